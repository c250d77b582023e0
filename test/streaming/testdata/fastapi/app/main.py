"""An app of FastAPI; a stream of it goes on when the test says so."""
import asyncio
import os

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

app = FastAPI()


@app.get("/ready")
def ready():
    return {"ready": True}


@app.get("/gated")
async def gated(gate: str):
    async def pieces():
        for n, word in enumerate(["foo", "bar", "baz"]):
            while n and not os.path.exists(f"{gate}-{n}"):
                await asyncio.sleep(0.001)
            yield word + "\n"

    return StreamingResponse(pieces(), media_type="text/plain")


@app.post("/echo/{name:path}")
async def echo(name: str, request: Request):
    return {"name": name, "query": dict(request.query_params), "body": await request.json(), "ip": request.headers["x-forwarded-for"]}


@app.post("/events")
async def events(request: Request):
    event = await request.json()
    return {"records": len(event["Records"])}


@app.get("/exit")
async def leave():
    async def pieces():
        yield "half"
        await asyncio.sleep(0)
        os._exit(3)

    return StreamingResponse(pieces(), media_type="text/plain")
