"""What one would write in an afternoon: FastAPI, redis-py, `SET NX EX` and `GETDEL`. It has no other promise."""

import os
import secrets
import string
from typing import Any

import redis.asyncio as redis
from fastapi import FastAPI, HTTPException
from pydantic import BaseModel, Field

app = FastAPI()
engine = redis.from_url(os.environ["ENGINE"])
ALPHABET = string.ascii_lowercase + string.digits
DAY = 86_400


class Message(BaseModel):
    message: str = Field(min_length=1, max_length=102_400)


@app.post("/")
async def create(message: Message) -> dict[str, str]:
    while True:
        message_id = "".join(secrets.choice(ALPHABET) for _ in range(5))
        if await engine.set(message_id, message.message, nx=True, ex=DAY):
            return {"id": message_id}


@app.get("/{message_id}")
async def read(message_id: str) -> dict[str, str]:
    message: Any = await engine.getdel(message_id)
    if message is None:
        raise HTTPException(404, "Message not found")
    return {"message": message.decode()}
