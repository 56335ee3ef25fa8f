"""A thread pool whose workers know the context of the code that submits."""

from contextvars import ContextVar

from headway.executor import ContextThreadPoolExecutor

current = ContextVar("current", default="none")


def test_call_runs_in_the_context_of_its_submission():
    with ContextThreadPoolExecutor(1) as pool:
        token = current.set("first")
        first = pool.submit(current.get)
        current.reset(token)
        assert first.result() == "first"
        assert pool.submit(current.get).result() == "none"


def test_change_of_a_worker_stays_in_its_call():
    with ContextThreadPoolExecutor(1) as pool:
        pool.submit(current.set, "changed").result()
        assert pool.submit(current.get).result() == "none"
        assert current.get() == "none"


def test_arguments_and_errors_are_passed_on():
    with ContextThreadPoolExecutor(2) as pool:
        assert list(pool.map(divmod, [7, 8], [2, 3])) == [(3, 1), (2, 2)]
        assert isinstance(pool.submit(int, "x").exception(), ValueError)
        assert pool.submit(int, "ff", base=16).result() == 255
