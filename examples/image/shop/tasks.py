"""A task of a shop: what stands in a package of your own."""

import msgspec

from headway import Job, task


class Order(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked for."""

    items: int = 3


@task("pack")
async def pack(job: Job, params: Order) -> dict[str, int]:
    """Packs the items of an order."""
    for _ in job.track(range(params.items), unit="items"):
        pass
    return {"packed": params.items}
