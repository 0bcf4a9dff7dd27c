// Google's SDK for JavaScript, unmodified: one scenario a run, its result as one
// line of JSON. The base URL comes by GOOGLE_GEMINI_BASE_URL, as users set it.
import { GoogleGenAI } from "@google/genai";

const [scenario, apiVersion] = process.argv.slice(2);
const ai = new GoogleGenAI({ apiKey: process.env.KEY ?? "anything", httpOptions: apiVersion ? { apiVersion } : undefined });
const model = "gemini-3.1-flash-image";
const prompt = "A red apple on a white background";
const small = { imageConfig: { imageSize: "512" } };

// pictures gives the decoded sizes of the final pictures in an answer.
function pictures(response) {
  return (response.candidates?.[0]?.content?.parts ?? [])
    .filter((p) => p.inlineData && !p.thought)
    .map((p) => ({ mime: p.inlineData.mimeType, bytes: Buffer.from(p.inlineData.data, "base64").length, signed: Boolean(p.thoughtSignature) }));
}

const scenarios = {
  async generate() {
    const r = await ai.models.generateContent({ model, contents: prompt, config: { imageConfig: { aspectRatio: "16:9" } } });
    return { pictures: pictures(r), usage: r.usageMetadata.totalTokenCount };
  },
  async chat() {
    const chat = ai.chats.create({ model });
    const turns = [];
    for (const message of [prompt, "Make the background blue", "Add a green leaf"]) turns.push(pictures(await chat.sendMessage({ message })).length);
    return { turns };
  },
  // Chats as long as people's; the last kind keeps its own history and drops signatures.
  async tenTurns() {
    const chat = ai.chats.create({ model, config: small });
    const turns = [];
    for (let n = 0; n < 10; n++) turns.push(pictures(await chat.sendMessage({ message: `Change ${n} of the fox` })).length);
    return { turns };
  },
  async tenTurnsStreamed() {
    const chat = ai.chats.create({ model, config: small });
    const turns = [];
    for (let n = 0; n < 10; n++) {
      let found = 0;
      for await (const r of await chat.sendMessageStream({ message: `Change ${n} of the fox` })) found += pictures(r).length;
      turns.push(found);
    }
    return { turns };
  },
  async tenTurnsUnsigned() {
    const contents = [];
    const turns = [];
    for (let n = 0; n < 10; n++) {
      contents.push({ role: "user", parts: [{ text: `Change ${n} of the fox` }] });
      const r = await ai.models.generateContent({ model, contents, config: small });
      turns.push(pictures(r).length);
      contents.push({ role: "model", parts: r.candidates[0].content.parts.map(({ thoughtSignature, ...rest }) => rest) });
    }
    return { turns };
  },
  async stream() {
    const stream = await ai.models.generateContentStream({ model, contents: prompt });
    let events = 0;
    const found = [];
    let finish;
    for await (const r of stream) {
      events++;
      found.push(...pictures(r));
      finish = r.candidates?.[0]?.finishReason ?? finish;
    }
    return { events, pictures: found, finish };
  },
  async models() {
    const names = [];
    for await (const m of await ai.models.list()) names.push(m.name);
    return { names, one: (await ai.models.get({ model })).name };
  },
  async count() {
    return { total: (await ai.models.countTokens({ model, contents: prompt })).totalTokens };
  },
};

try {
  console.log(JSON.stringify({ ok: await scenarios[scenario]() }));
} catch (e) {
  console.log(JSON.stringify({ error: { name: e.name, status: e.status, message: e.message } }));
}
