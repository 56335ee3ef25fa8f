"""The machine-readable description of the API."""


async def test_the_description_comes_as_json_and_yaml(client):
    assert (await client.get("/schema")).json()["info"]["title"] == "Headway"
    assert "title: Headway" in (await client.get("/schema/openapi.yaml")).text


async def test_another_path_below_it_is_a_problem(client):
    reply = await client.get("/schema/x")
    assert (reply.status_code, reply.headers["content-type"]) == (404, "application/problem+json")
