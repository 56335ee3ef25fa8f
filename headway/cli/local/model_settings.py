"""What must be set before the local stack can ask a language model."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping

from headway.service.extras import install

VARIABLES = ("HEADWAY_PROCESSOR_GENERATE_BASE_URL", "HEADWAY_PROCESSOR_GENERATE_MODELS")
ADVICE = """\
--generate asks a language model by a server that speaks OpenAI's protocol. Set its address and a model:

  Ollama      export HEADWAY_PROCESSOR_GENERATE_BASE_URL=http://127.0.0.1:11434/v1
              export HEADWAY_PROCESSOR_GENERATE_MODELS=llama3.2          # after: ollama pull llama3.2
  llama.cpp   export HEADWAY_PROCESSOR_GENERATE_BASE_URL=http://127.0.0.1:8080/v1
              export HEADWAY_PROCESSOR_GENERATE_MODELS=default           # llama-server -m model.gguf
  vLLM        export HEADWAY_PROCESSOR_GENERATE_BASE_URL=http://127.0.0.1:8000/v1
              export HEADWAY_PROCESSOR_GENERATE_MODELS=Qwen/Qwen3-0.6B   # vllm serve Qwen/Qwen3-0.6B
  OpenAI      export HEADWAY_PROCESSOR_GENERATE_BASE_URL=https://api.openai.com/v1
              export HEADWAY_PROCESSOR_GENERATE_MODELS=gpt-4.1-mini
              export HEADWAY_PROCESSOR_GENERATE_API_KEY=…

and run it again. Missing: {missing}."""


def missing_for_generate(environ: Mapping[str, str]) -> str:
    """Return what to install or set before a language model can be asked; empty for nothing."""
    if importlib.util.find_spec("openai") is None:
        return f"--generate needs the package openai. Run: {install('generate')}"
    missing = " and ".join(name for name in VARIABLES if not environ.get(name))
    return ADVICE.format(missing=missing) if missing else ""
