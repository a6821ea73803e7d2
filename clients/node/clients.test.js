// The SDKs from npm against a running server. TRAMONTANE_BASE_URL names it (http://127.0.0.1:8080); without it
// target/debug/tramontane is started on a free port of the loopback address, and ended.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import Anthropic from "@anthropic-ai/sdk";
import { Mistral } from "@mistralai/mistralai";
import { Ollama } from "ollama";
import OpenAI from "openai";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SECONDS_TO_START = 120;
const ASK = [{ role: "user", content: "Say hello." }];
const SCHEMA = {
  type: "object",
  properties: { yes: { type: "boolean" } },
  required: ["yes"],
  additionalProperties: false,
};

let base, model, server;

before(async () => {
  base = process.env.TRAMONTANE_BASE_URL?.replace(/\/$/, "");
  if (!base) {
    const port = await freePort();
    const program = process.env.TRAMONTANE ?? `${ROOT}target/debug/tramontane`;
    const served = process.env.TRAMONTANE_MODEL ?? `${ROOT}models/brise/brise-q8_0.gguf`;
    server = spawn(program, ["serve", served, "--port", String(port)], { stdio: "ignore" });
    base = `http://127.0.0.1:${port}`;
    await untilReady();
  }
  const list = await (await fetch(`${base}/v1/models`)).json();
  model = list.data[0].id;
});

after(() => server?.kill("SIGTERM"));

function freePort() {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const { port } = listener.address();
      listener.close(() => resolve(port));
    });
  });
}

async function untilReady() {
  for (let tries = 0; tries < SECONDS_TO_START * 5; tries++) {
    assert.equal(server.exitCode, null, "the server has ended");
    const answer = await fetch(`${base}/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error(`the server is not ready after ${SECONDS_TO_START} s`);
}

test("openai: chat, stream, schema, embeddings, errors", async () => {
  const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: "none", maxRetries: 0 });
  const asked = { model, messages: ASK, max_completion_tokens: 16, temperature: 0 };
  const whole = await client.chat.completions.create(asked);
  let text = "";
  for await (const chunk of await client.chat.completions.create({ ...asked, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? "";
  }
  assert.equal(text, whole.choices[0].message.content);
  const response_format = { type: "json_schema", json_schema: { name: "x", schema: SCHEMA, strict: true } };
  const json = await client.chat.completions.create({ ...asked, max_completion_tokens: 64, response_format });
  assert.equal(typeof JSON.parse(json.choices[0].message.content).yes, "boolean");
  const vectors = await client.embeddings.create({ model, input: ["one", "two"] });
  assert.equal(vectors.data.length, 2);
  await assert.rejects(client.chat.completions.create({ ...asked, model: "no-such-model" }), OpenAI.NotFoundError);
});

test("mistral: chat, stream, schema, embeddings, errors", async () => {
  const client = new Mistral({ serverURL: base, apiKey: "none" });
  const asked = { model, messages: ASK, maxTokens: 16, temperature: 0 };
  const whole = await client.chat.complete(asked);
  let text = "";
  for await (const event of await client.chat.stream(asked)) {
    text += event.data.choices[0].delta.content ?? "";
  }
  assert.equal(text, whole.choices[0].message.content);
  const responseFormat = { type: "json_schema", jsonSchema: { name: "x", schemaDefinition: SCHEMA, strict: true } };
  const json = await client.chat.complete({ ...asked, maxTokens: 64, responseFormat });
  assert.equal(typeof JSON.parse(json.choices[0].message.content).yes, "boolean");
  const vectors = await client.embeddings.create({ model, inputs: ["one", "two"] });
  assert.equal(vectors.data.length, 2);
  const models = await client.models.list();
  assert.equal(models.data[0].capabilities.completionChat, true);
  await assert.rejects(client.chat.complete({ ...asked, model: "no-such-model" }), { statusCode: 404 });
});

test("anthropic: messages, stream, tools, counting, errors", async () => {
  const client = new Anthropic({ baseURL: base, apiKey: "none", maxRetries: 0 });
  const asked = { model, messages: ASK, max_tokens: 16, temperature: 0 };
  const whole = await client.messages.create(asked);
  const final = await client.messages.stream(asked).finalMessage();
  assert.deepEqual(
    final.content.map((block) => block.text),
    whole.content.map((block) => block.text),
  );
  const tools = [{ name: "answer", input_schema: SCHEMA, strict: true }];
  const tool_choice = { type: "tool", name: "answer", disable_parallel_tool_use: true };
  const called = await client.messages.create({ ...asked, max_tokens: 200, tools, tool_choice });
  assert.equal(called.stop_reason, "tool_use");
  assert.equal(typeof called.content.at(-1).input.yes, "boolean");
  const counted = await client.messages.countTokens({ model, messages: ASK });
  assert.ok(counted.input_tokens > 0);
  await assert.rejects(client.messages.create({ ...asked, model: "no-such-model" }), Anthropic.NotFoundError);
});

test("ollama: chat, stream, schema, embeddings, errors", async () => {
  const client = new Ollama({ host: base });
  const asked = { model, messages: ASK, options: { temperature: 0, num_predict: 16 } };
  const whole = await client.chat(asked);
  let text = "";
  for await (const line of await client.chat({ ...asked, stream: true })) text += line.message.content;
  assert.equal(text, whole.message.content);
  const json = await client.chat({ ...asked, format: SCHEMA, options: { temperature: 0, num_predict: 64 } });
  assert.equal(typeof JSON.parse(json.message.content).yes, "boolean");
  const vectors = await client.embed({ model, input: ["one", "two"] });
  assert.equal(vectors.embeddings.length, 2);
  const list = await client.list();
  assert.equal(list.models[0].model, model);
  await assert.rejects(client.chat({ ...asked, model: "no-such-model" }), { status_code: 404 });
});
