// Answers at random under schemas at random: with thoughts, without, and where nothing was said about them; streamed and
// not; in the native dialect and in OpenAI's. Each must be valid in the eyes of an independent validator, or have been cut
// (`length`). LONG=1: 2,000 answers instead of 200.
import fs from 'node:fs'
import { Daemon, check, eq, ok, shared, skipNow } from './harness.mjs'

const stories = shared('data/models/stories260K/stories260K-f32.gguf')
const thinker = shared('clients/models/scripted-think.gguf')
const SCHEMAS = 100, ANSWERS = process.env.LONG ? 2000 : 200, AT_ONCE = 8, TOKENS = 300

// Numbers from a seed (mulberry32).
function dice(seed) {
  const next = () => {
    seed = (seed + 0x6D2B79F5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  return { below: (n) => Math.floor(next() * n), one: (list) => list[Math.floor(next() * list.length)], often: (share) => next() < share }
}

// A schema of keywords that hearth binds, satisfiable, whose values are small.
function schemaOf(seed) {
  const { below, one, often } = dice(seed)
  const string = () => one([
    () => ({ type: 'string', maxLength: 12 }),
    () => ({ type: 'string', minLength: 2, maxLength: 5 + below(10) }),
    () => ({ type: 'string', pattern: one(['^[A-Z][a-z]{1,8}$', '^(red|green|blue)-[0-9]+$', '^\\d{3}-\\d{4}$', '^[^ ]{1,6}( [^ ]{1,6})?$', 'ab{1,3}c']) , maxLength: 24 }),
    () => ({ type: 'string', format: one(['date', 'time', 'date-time', 'email', 'ipv4', 'ipv6', 'uuid', 'hostname', 'duration']) }),
    () => ({ enum: ['red', 'a "quoted" word', 'ü', 'tab\there'] }),
  ])()
  const number = () => one([
    () => ({ type: 'integer' }),
    () => ({ type: 'integer', minimum: below(50) - 25, maximum: 30 + below(1000) }),
    () => ({ type: 'integer', minimum: 0, maximum: 500, multipleOf: 1 + below(9) }),
    () => ({ type: 'number', minimum: -1.5, maximum: below(20) }),
    () => ({ type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 }),
  ])()
  const list = (depth) => one([
    () => ({ type: 'array', items: value(depth + 1), maxItems: 1 + below(3) }),
    () => ({ type: 'array', items: value(depth + 1), minItems: 1, maxItems: 2 }),
    () => ({ type: 'array', prefixItems: [value(depth + 1), value(depth + 1)], items: false, minItems: below(3) }),
  ])()
  const object = (depth) => {
    const properties = {}, required = []
    for (let i = 0; i <= below(4); i++) {
      const name = one(['name', 'size', 'kind', 'a b', 'ключ', 'tags', 'n', '$x'])
      properties[name] = value(depth + 1)
      if (often(0.6) && !required.includes(name)) required.push(name)
    }
    return one([
      () => ({ type: 'object', properties, required, additionalProperties: false }),
      () => ({ type: 'object', properties, required }),
      () => ({ type: 'object', properties, required, additionalProperties: { type: 'integer' }, maxProperties: 5 }),
      () => ({ type: 'object', patternProperties: { '^[a-c]{1,3}$': value(depth + 1) }, additionalProperties: false, minProperties: 1, maxProperties: 2 }),
    ])()
  }
  const value = (depth) => one([
    string, number, () => ({ type: 'boolean' }), () => ({ type: ['integer', 'null'] }), () => ({ const: one([7, 'x', null, true]) }),
    ...(depth > 2 ? [] : [
      () => list(depth), () => object(depth), () => object(depth),
      () => ({ anyOf: [string(), number()] }),
      () => ({ oneOf: [{ type: 'boolean' }, { type: 'string', maxLength: 5 }] }),
      () => ({ allOf: [{ type: 'integer', minimum: 3 }, { maximum: 40 }] }),
      () => ({ $ref: '#/$defs/tree' }),
    ]),
  ])()
  const tree = { type: 'object', properties: { n: { type: 'integer', maximum: 9, minimum: 0 }, left: { $ref: '#/$defs/tree' } }, required: ['n'], additionalProperties: false }
  return { ...(often(0.8) ? object(0) : list(0)), $defs: { tree } }
}

// {text, thinking, end}, whichever way it came.
async function ask(d, { model, schema, think, streams, native, seed }) {
  const messages = [{ role: 'user', content: 'x' }]
  if (native) {
    const body = { model, messages, think, format: schema, stream: streams, options: { temperature: 1, seed, num_predict: TOKENS, num_ctx: 1024 } }
    const result = { text: '', thinking: '' }
    const take = ({ message, done_reason: end }) => { result.text += message.content; result.thinking += message.thinking ?? ''; result.end = end ?? result.end }
    if (!streams) take(await d.post('/api/chat', body))
    else for await (const line of d.lines('/api/chat', body)) take(line)
    return result
  }
  const body = { model, messages, temperature: 1, seed, max_tokens: TOKENS, stream: streams, response_format: { type: 'json_schema', json_schema: { name: 's', schema } } }
  if (think !== undefined) body.reasoning_effort = think ? 'medium' : 'none'
  if (!streams) {
    const [{ message, finish_reason: end }] = (await d.post('/v1/chat/completions', body)).choices
    return { text: message.content ?? '', thinking: message.reasoning ?? '', end }
  }
  const result = { text: '', thinking: '' }
  for (const frame of (await (await d.fetch('POST', '/v1/chat/completions', body)).text()).split('\n\n')) {
    if (!frame.startsWith('data: {')) continue
    const [choice] = JSON.parse(frame.slice(6)).choices
    if (!choice) continue
    result.text += choice.delta.content ?? ''
    result.thinking += choice.delta.reasoning ?? ''
    result.end = choice.finish_reason ?? result.end
  }
  return result
}

await check(`${ANSWERS} answers at random under ${SCHEMAS} schemas are valid, or were cut`, async () => {
  if (!stories || !thinker) skipNow('shared data is absent')
  let Ajv, formats
  try { [{ default: Ajv }, { default: formats }] = [await import('ajv/dist/2020.js'), await import('ajv-formats')] } catch { skipNow('the validator is not installed') }
  const validators = new Map()
  const validator = (schema) => {
    const text = JSON.stringify(schema)
    if (!validators.has(text)) validators.set(text, formats(new Ajv({ strict: false, allErrors: true })).compile(schema))
    return validators.get(text)
  }
  const d = await Daemon.start()
  try {
    await d.create('story', stories)
    const template = fs.readFileSync(shared('clients/models/scripted-think.Modelfile'), 'utf8').match(/TEMPLATE """([^]*?)"""/)[1]
    await d.create('thinker', thinker, { template, parameters: { stop: ['<|im_end|>'] } })
    const counts = { stop: 0, length: 0, thought: 0 }
    let next = 0
    const work = async () => {
      while (next < ANSWERS) {
        const i = next++
        const think = [true, false, undefined][i % 3]
        const how = { model: i % 3 === 2 && i % 2 ? 'story' : 'thinker', schema: schemaOf(i % SCHEMAS), think, streams: i % 2 === 0, native: i % 5 < 3, seed: i }
        const { text, thinking, end } = await ask(d, how)
        const place = `answer ${i} (${JSON.stringify({ ...how, schema: undefined })}) under ${JSON.stringify(how.schema)}: ${text.slice(0, 300)}`
        ok(end === 'stop' || end === 'length', `ended with ${end}: ${place}`)
        counts[end]++
        if (think && end === 'stop') ok(thinking.trim() !== '', `no thoughts: ${place}`)
        if (think === false) eq(thinking, '', place)
        if (thinking) counts.thought++
        if (end === 'length') continue
        let value
        try { value = JSON.parse(text) } catch (error) { throw new Error(`${error.message}: ${place}`) }
        const valid = validator(how.schema)
        ok(valid(value), `${JSON.stringify(valid.errors?.slice(0, 2))}: ${place}`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    ok(counts.stop > ANSWERS * 0.7 && counts.thought > ANSWERS / 5, JSON.stringify(counts))
    console.log(`# ${counts.stop} valid, ${counts.length} cut, ${counts.thought} with thoughts`)
  } finally { await d.stop() }
})
