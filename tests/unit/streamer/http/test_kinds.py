"""The route of the task kinds."""


async def test_kinds_are_listed_with_the_number_of_their_processors(parts, client):
    parts.offer("k", processors=2)
    parts.offer("idle", processors=0)
    found = (await client.get("/api/v1/kinds")).json()["kinds"]
    assert [(kind["kind"], kind["processors"], kind["live"]) for kind in found] == [("idle", 0, False), ("k", 2, True)]
