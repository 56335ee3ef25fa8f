"""The `openai` client is imported when it is used. What it does is tested in tests/integration/test_generate.py."""

import subprocess
import sys

CODE = """
import sys
from headway_kinds.generate.kind import register
register({"HEADWAY_PROCESSOR_GENERATE_BASE_URL": "http://127.0.0.1:1/v1"})
print([name for name in ("openai", "pydantic", "httpx") if name in sys.modules])
"""


def test_a_processor_that_offers_the_kind_loads_no_client():
    found = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
