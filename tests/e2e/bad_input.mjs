// What people and programs send by mistake or on purpose: every row of tests/cases/bad-input.json gets the right status and one
// clear line; nothing half-written stays behind and the daemon goes on. Then the same for starting it and for `hearth`.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { BIN, Daemon, check, endless, eq, freePort, ok, runDaemon, shared, skipNow, starter } from './harness.mjs'

const scripted = shared('clients/models/scripted-jinja.gguf')
const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname)
const rows = JSON.parse(fs.readFileSync(path.join(here, '../cases/bad-input.json'), 'utf8'))
const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })

const daemons = { open: await Daemon.start({ HEARTH_OFFLINE: '1' }), locked: await Daemon.start({ HEARTH_OFFLINE: '1', HEARTH_API_KEY: 'secret' }) }
const d = daemons.open
await d.create('story', starter)
await d.create('raising', starter, { template: '{% if true %}{{ raise_exception("no thanks") }}{% endif %}' })
await d.create('looping', starter, { template: '{% for a in range(100000) %}{% for b in range(100000) %}{{ a * b }}{% endfor %}{% endfor %}' })

// A GGUF file of one key and one tensor of eight floats, damaged as a row asks for.
function ggufBytes(row) {
  const parts = []
  const u32 = (value) => { const b = Buffer.alloc(4); b.writeUInt32LE(value >>> 0); parts.push(b) }
  const u64 = (value) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(value)); parts.push(b) }
  const text = (value) => { u64(Buffer.byteLength(value)); parts.push(Buffer.from(value)) }
  const values = {
    u32: (value) => { u32(4); u32(value) },
    string: (value) => { u32(8); text(value) },
    array: ([count]) => { u32(9); u32(4); u64(count) },
    nested: (depth) => { u32(9); for (let i = 0; i < depth; i++) { u32(9); u64(1) } u32(4); u64(0) },
  }
  const kvs = [['general.architecture', 'string', 'llama'], ['general.name', 'string', 'odd']].filter(([key]) => !row.drop?.includes(key)).concat(row.kvs ?? [])
  const names = row.twice ? ['a.weight', 'a.weight'] : ['a.weight']
  parts.push(Buffer.from('GGUF'))
  u32(row.version ?? 3)
  u64(row.tensor_count ?? names.length)
  u64(row.kv_count ?? kvs.length)
  for (const [i, [key, type, value]] of kvs.entries()) {
    if (i === 0 && row.key_length) u64(row.key_length); else text(key)
    if (values[type]) values[type](value); else { u32(type); u32(value) }
  }
  for (const name of names) {
    const dims = row.tensor?.dims ?? ['8']
    text(name)
    u32(dims.length)
    dims.forEach(u64)
    u32(row.tensor?.type ?? 0)
    u64(row.tensor?.offset ?? 0)
  }
  const head = Buffer.concat(parts)
  let bytes = Buffer.concat([head, Buffer.alloc((32 - head.length % 32) % 32 + 32)])
  for (const [at, hex] of row.patch ?? []) Buffer.from(hex, 'hex').copy(bytes, at)
  if (row.cut !== undefined) bytes = bytes.subarray(0, row.cut < 0 ? bytes.length + row.cut - 32 : row.cut)
  return bytes
}

function bodyOf(row) {
  if (row.repeat) return row.repeat[0] + row.repeat[1].repeat(row.repeat[2]) + row.repeat[3]
  if (row.hex !== undefined) return Buffer.from(row.hex, 'hex')
  return row.raw ?? (row.body === undefined ? undefined : JSON.stringify(row.body))
}

// Paths and headers go out as they stand in the row, which fetch does not do.
function send(daemon, method, target, headers, body) {
  return new Promise((done, fail) => {
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const request = http.request({ host: '127.0.0.1', port: daemon.port, method, path: target, agent, headers: { ...length, ...headers } }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece) => { text += piece })
      response.on('end', () => done({ status: response.statusCode, headers: response.headers, text }))
    })
    request.setTimeout(20000, () => request.destroy(new Error('no answer within 20 s')))
    request.on('error', fail)
    request.end(body)
  })
}

// Sends bytes as they are and returns all that comes back until the connection ends.
function wire(port, bytes) {
  return new Promise((done, fail) => {
    let text = ''
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(20000, () => socket.destroy(new Error('the connection stays open')))
    socket.on('data', (piece) => { text += piece })
    socket.on('error', (error) => (text ? done(text) : fail(error)))
    socket.on('close', () => done(text))
  })
}

// Everything in the store but finished blobs and the index: what must never change by a refusal.
function storeState(daemon) {
  const root = path.join(daemon.folder, 'models')
  const files = fs.existsSync(root) ? fs.readdirSync(root, { recursive: true }).map(String) : []
  return files.filter((name) => !/(^|\/)(sha256-[0-9a-f]{64}|[^/]*\.db(-\w+)?)$/.test(name)).sort().join('\n')
}

function checkLine(row, answer) {
  ok([row.status].flat().includes(answer.status), `status ${answer.status}, expected ${row.status}: ${answer.text.slice(0, 200)}`)
  for (const [key, header] of [['allow', 'allow'], ['location', 'location']]) if (row[key]) eq(answer.headers[header], row[key], header)
  if (row.empty || row.location) return eq(answer.text, '', 'body')
  const error = JSON.parse(answer.text).error
  if (row.openai) ok(typeof error.type === 'string' && error.type, 'an error of OpenAI has a type')
  const text = error.message ?? error
  ok(typeof text === 'string' && text.length > 5 && text.length < 600 && !text.includes('\n'), `one line: ${answer.text.slice(0, 300)}`)
  ok(new RegExp(row.message, 'i').test(text), `${text.slice(0, 300)} does not match ${row.message}`)
}

async function checkRow(row, target) {
  if (row.wire !== undefined || row.wire_repeat) {
    const bytes = row.wire ?? row.wire_repeat[0] + row.wire_repeat[1].repeat(row.wire_repeat[2]) + row.wire_repeat[3]
    const answer = await wire(d.port, bytes)
    return ok(answer.startsWith(`HTTP/1.1 ${row.status} `), `found ${answer.slice(0, 60)}, expected ${row.status}`)
  }
  if (row.gguf) {
    const digest = 'sha256:' + createHash('sha256').update(ggufBytes(row.gguf)).digest('hex')
    const stored = await send(d, 'POST', `/api/blobs/${digest}`, {}, ggufBytes(row.gguf))
    ok(stored.status === 201 || stored.status === 200, `upload: ${stored.status}`)
    return checkLine(row, await send(d, 'POST', '/api/create', {}, JSON.stringify({ model: 'hostile', files: { 'odd.gguf': digest } })))
  }
  checkLine(row, await send(daemons[row.daemon ?? 'open'], row.method ?? 'POST', target, row.headers ?? {}, bodyOf(row)))
}

const expanded = rows.flatMap((row) => [row.path].flat().map((target) => ({ row, target })))
const before = storeState(d)
let slowest = 0
for (const { row, target } of expanded) {
  await check(`bad input: ${row.name}${target ? ` (${row.method ?? 'POST'} ${target.slice(0, 60)})` : ''}`, async () => {
    const start = Date.now()
    await checkRow(row, target)
    slowest = Math.max(slowest, Date.now() - start)
  })
}
await check('bad input: there are enough cases, and none took long', async () => {
  ok(expanded.length >= 120, `${expanded.length} cases`)
  ok(slowest < 15000, `${slowest} ms`)
})
await check('bad input: the daemon goes on, its store is as it was, its log holds nothing of what was sent', async () => {
  eq(storeState(d), before)
  eq((await d.call('GET', '/api/tags')).json.models.map((entry) => entry.name).sort(), ['looping:latest', 'raising:latest', 'story:latest'])
  eq((await d.post('/api/generate', { model: 'story', prompt: 'Once', stream: false, options: { num_predict: 2 } })).eval_count, 2)
  ok(!d.log.includes('my secret') && !/word word/.test(d.log), 'the log quotes a prompt')
  ok(d.process.exitCode === null && d.requests().length > 200, 'the same process, a line per request')
})

await check('bad input: requests have ids', async () => {
  const given = await send(d, 'GET', '/api/tags', { 'x-request-id': 'abc-1.2_3' })
  eq(given.headers['x-request-id'], 'abc-1.2_3')
  const odd = await send(d, 'GET', '/nope', { 'x-request-id': 'a b"<>' })
  ok(/^[0-9a-f]{8}-[0-9a-f]{8}$/.test(odd.headers['x-request-id']), odd.headers['x-request-id'])
  ok(d.requests().some((line) => line.id === 'abc-1.2_3' && line.path === '/api/tags' && line.status === 200), 'in the log')
})
await check('bad input: a page that may asks for everything clients send', async () => {
  const headers = { origin: 'http://localhost:3000', 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key,anthropic-version,content-type' }
  for (const daemon of Object.values(daemons)) {
    const answer = await send(daemon, 'OPTIONS', '/v1/messages', headers)
    eq([answer.status, answer.text, answer.headers['access-control-allow-origin'], answer.headers['access-control-max-age']], [204, '', 'http://localhost:3000', '43200'])
    for (const name of ['x-api-key', 'anthropic-version', 'Authorization', 'x-stainless-retry-count']) ok(answer.headers['access-control-allow-headers'].includes(name), name)
    eq(answer.headers['access-control-allow-methods'], 'GET,POST,PUT,PATCH,DELETE,HEAD,OPTIONS')
  }
})
await check('bad input: the right key opens, by either header', async () => {
  for (const headers of [{ authorization: 'Bearer secret' }, { authorization: 'bearer secret' }, { 'x-api-key': 'secret' }, { 'x-api-key': 'secret', authorization: 'Bearer other' }]) {
    eq((await send(daemons.locked, 'GET', '/api/tags', headers)).status, 200, JSON.stringify(headers))
  }
  eq((await send(daemons.locked, 'GET', '/', {})).status, 200)
})
await check('bad input: HEAD has the head of GET and no body', async () => {
  for (const target of ['/', '/api/version', '/api/tags']) {
    const [get, head] = [await send(d, 'GET', target, {}), await send(d, 'HEAD', target, {})]
    eq([head.status, head.text, head.headers['content-type'], head.headers['content-length']], [200, '', get.headers['content-type'], get.headers['content-length']], target)
  }
})
await check('bad input: no type, another type, chunks: the body counts', async () => {
  for (const headers of [{}, { 'content-type': 'text/plain' }, { 'content-type': 'application/x-www-form-urlencoded' }]) eq((await send(d, 'POST', '/api/show', headers, '{"model":"nobody"}')).status, 404)
  const answer = await wire(d.port, 'POST /api/show HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n9;x=y\r\n{"model":\r\n9\r\n"nobody"}\r\n0\r\nTrailer: x\r\n\r\n')
  ok(/^HTTP\/1.1 404 /.test(answer) && answer.includes('nobody'), answer.slice(0, 200))
})

await check('bad input: clients that hang keep nobody else waiting, and their work ends', async () => {
  await d.post('/api/generate', { model: 'story', keep_alive: '5m' })
  const sockets = []
  const hang = (bytes) => new Promise((done) => { const socket = net.connect(d.port, '127.0.0.1', () => { socket.write(bytes); done(socket) }); socket.pause(); socket.on('error', () => {}); sockets.push(socket) })
  const body = JSON.stringify({ model: 'story', prompt: 'Once upon a time', format: endless, options: { num_predict: 400, temperature: 1 } })
  const post = `POST /api/generate HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`
  for (let i = 0; i < 100; i++) await hang('GET / HT')
  for (let i = 0; i < 20; i++) await hang(post + body.slice(0, 20))
  for (let i = 0; i < 8; i++) await hang(post + body)  // never read
  for (let i = 0; i < 4; i++) (await hang(post + body)).end()  // half closed: nobody will read
  const start = Date.now()
  eq((await send(d, 'GET', '/api/tags', {})).status, 200)
  ok(Date.now() - start < 2000, `${Date.now() - start} ms beside hanging clients`)
  eq((await d.post('/api/generate', { model: 'story', prompt: 'Once', stream: false, options: { num_predict: 2 } })).eval_count, 2)
  for (const socket of sockets) socket.destroy()
  const end = Date.now() + 10000
  let row
  do { row = (await d.ps())[0] } while ((row.running_requests > 0 || row.waiting_requests > 0) && Date.now() < end)
  eq([row.running_requests, row.waiting_requests], [0, 0])
})

// Starting that cannot work: exit 1 and one line.
async function startRefused(name, pattern, args, extra) {
  await check(`bad start: ${name}`, async () => {
    const { code, output } = await runDaemon(args, extra)
    ok(code > 0, `exit ${code}: ${output}`)
    ok(output.trim().split('\n').length === 1 && pattern.test(output), output)
  })
}
const foreign = http.createServer((request, response) => response.end('hello')).listen(0, '127.0.0.1')
const mute = net.createServer(() => {}).listen(0, '127.0.0.1')
await new Promise((done) => setTimeout(done, 20))
await startRefused('the port is taken by hearth', /hearth \d.* answers there/, ['--host', `127.0.0.1:${d.port}`])
await startRefused('the port is taken by a stranger', /another program answers there/, ['--host', `127.0.0.1:${foreign.address().port}`])
await startRefused('the port is taken by somebody mute', /another program answers there/, ['--host', `127.0.0.1:${mute.address().port}`])
foreign.close(); mute.close()
await startRefused('no such address', /192\.0\.2\.1/, ['--host', '192.0.2.1:0', '--insecure-no-auth'])
await startRefused('a port that is none', /port|65535/, ['--host', '127.0.0.1:99999'])
await startRefused('beyond this computer without a key', /HEARTH_API_KEY.*--insecure-no-auth/, ['--host', '0.0.0.0:0'])
await startRefused('beyond this computer without a key, IPv6', /HEARTH_API_KEY/, ['--host', '[::]:0'])
await startRefused('an origin with two stars', /origin.*\*/, ['--host', '127.0.0.1:0'], { HEARTH_ORIGINS: 'https://*.a.*' })
await startRefused('an origin without a scheme', /origin/, ['--host', '127.0.0.1:0'], { HEARTH_ORIGINS: 'example.org' })
await startRefused('the models folder is a file', /\/proc\/version|not a (folder|directory)/i, ['--host', '127.0.0.1:0'], { HEARTH_MODELS: '/proc/version' })
await startRefused('the models folder cannot be made', /\/proc\/nope/, ['--host', '127.0.0.1:0'], { HEARTH_MODELS: '/proc/nope/models' })
for (const [name, value] of [['HEARTH_KEEP_ALIVE', 'soon'], ['HEARTH_NUM_PARALLEL', '-1'], ['HEARTH_MAX_QUEUE', 'many'], ['HEARTH_MEMORY_LIMIT', '8X'], ['HEARTH_KV_CACHE_TYPE', 'q3'], ['HEARTH_CONTEXT_LENGTH', '1e6'], ['HEARTH_DEBUG', 'maybe']])
  await startRefused(`${name}=${value}`, new RegExp(`${name}.*${value}`), ['--host', '127.0.0.1:0'], { [name]: value })

// A daemon whose disk is full: a small file system of its own where we may mount one, else a limit on the size of files.
async function smallDisk() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-full-'))
  const port = await freePort()
  const serve = `exec '${path.join(BIN, 'hearthd')}' --host 127.0.0.1:${port} --models '${folder}/models'`
  const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', '-o', 'size=3m', 'none', folder]).status === 0
  const command = canMount ? ['unshare', ['-rm', 'sh', '-c', `mount -t tmpfs -o size=3m none '${folder}'; ${serve}`]] : ['bash', ['-c', `trap '' XFSZ; ulimit -f 2000; ${serve}`]]
  const child = spawn(command[0], command[1], { env: { PATH: process.env.PATH, HOME: folder }, stdio: 'ignore' })
  const daemon = { port, child, folder }
  for (let i = 0; i < 500; i++) {
    try { await send(daemon, 'GET', '/', {}); return daemon } catch { await new Promise((done) => setTimeout(done, 20)) }
  }
  throw new Error('no daemon on a small disk')
}
await check('bad input: a full disk', async () => {
  const daemon = await smallDisk()
  const bytes = Buffer.alloc(8_000_000, 7)
  const digest = 'sha256:' + createHash('sha256').update(bytes).digest('hex')
  const answer = await send(daemon, 'POST', `/api/blobs/${digest}`, {}, bytes)
  eq(answer.status, 500, answer.text)
  ok(/no space left|file too large|disk/i.test(JSON.parse(answer.text).error), answer.text)
  eq((await send(daemon, 'HEAD', `/api/blobs/${digest}`, {})).status, 404)
  const small = Buffer.from('room for this')
  const smallDigest = 'sha256:' + createHash('sha256').update(small).digest('hex')
  eq((await send(daemon, 'POST', `/api/blobs/${smallDigest}`, {}, small)).status, 201, 'what was half-written is gone again')
  daemon.child.kill('SIGTERM')
  await new Promise((done) => daemon.child.on('exit', done))
  fs.rmSync(daemon.folder, { recursive: true, force: true })
})

// The command line: exit 1, one line on standard error that says what and where.
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-bad-'))
fs.writeFileSync(path.join(home, 'junk.gguf'), 'this is not a model')
fs.writeFileSync(path.join(home, 'empty.gguf'), '')
fs.writeFileSync(path.join(home, 'secret.gguf'), 'x', { mode: 0 })
const modelfiles = [
  ['no FROM', 'SYSTEM hello\n', /FROM/], ['an instruction that is none', 'FROM story\nPARAMTER x 1\n', /line 2.*PARAMTER/i], ['a parameter that is none', 'FROM story\nPARAMETER warmth 1\n', /line 2.*warmth|warmth/],
  ['a parameter of the wrong type', 'FROM story\nPARAMETER temperature hot\n', /temperature/], ['a parameter without a value', 'FROM story\nPARAMETER temperature\n', /line 2|temperature/], ['quotes without an end', 'FROM story\nSYSTEM """hello\n', /line 2|"""|quote|unterminated|end/i],
  ['a role that is none', 'FROM story\nMESSAGE king hello\n', /king|role/], ['a file that is not there', 'FROM ./absent.gguf\n', /absent\.gguf/], ['a file that is no model', 'FROM ./junk.gguf\n', /GGUF/i], ['an empty file', 'FROM ./empty.gguf\n', /GGUF|empty/i],
  ['a device', 'FROM /dev/zero\n', /\/dev\/zero/], ['a folder', 'FROM /proc\n', /\/proc/], ['an adapter that is not there', 'FROM story\nADAPTER ./absent.gguf\n', /absent\.gguf/], ['two thousand lines of nonsense', 'x\n'.repeat(2000), /line 1/],
]
const hearth = (args, input = '', extra = {}) => {
  return new Promise((done) => {
    const child = spawn(path.join(BIN, 'hearth'), args, { env: { PATH: process.env.PATH, HOME: home, HEARTH_HOST: `127.0.0.1:${d.port}`, HEARTH_NO_AUTOSTART: '1', ...extra }, cwd: home })
    let err = '', out = ''
    child.stdout.on('data', (bytes) => { out += bytes })
    child.stderr.on('data', (bytes) => { err += bytes })
    child.stdin.on('error', () => {})
    child.on('close', (code) => done({ code, err, out }))
    child.stdin.end(input)
  })
}
const commands = [
  ...modelfiles.map(([name, input, pattern]) => [`a Modelfile with ${name}`, ['create', 'bad', '-f', '-'], pattern, input]),
  ['a Modelfile that is not there', ['create', 'bad', '-f', 'Absentfile'], /Absentfile/], ['a name that is none', ['create', '../x', '-f', '-'], /name/, 'FROM story\n'], ['a model that is not there', ['show', 'nobody'], /nobody.*not found/], ['removing nobody', ['rm', 'nobody'], /nobody.*not found/],
  ['copying to no name', ['cp', 'story', 'a b'], /name/], ['an option that is none', ['list', '--warmly'], /--warmly/], ['a command that is none', ['dance'], /dance/], ['nobody at the address', ['list'], /nobody answers|connect/i, '', { HEARTH_HOST: '127.0.0.1:1' }], ['an address that is none', ['list'], /HEARTH_HOST/, '', { HEARTH_HOST: '127.0.0.1:port' }],
  ['a locked daemon without the key', ['list'], /key/i, '', { HEARTH_HOST: `127.0.0.1:${daemons.locked.port}` }], ['a locked daemon with another key', ['list'], /key/i, '', { HEARTH_HOST: `127.0.0.1:${daemons.locked.port}`, HEARTH_API_KEY: 'wrong' }],
]
for (const [name, args, pattern, input, extra] of commands) {
  await check(`bad command: ${name}`, async () => {
    const { code, err } = await hearth(args, input, extra)
    const lines = err.split(/[\r\n]+/).filter((line) => /Error: /.test(line))
    ok(code === 1 && lines.length === 1 && pattern.test(lines[0]), `exit ${code}: ${err.slice(-300)}`)
  })
}
await check('bad command: a file that may not be read', async () => {
  if (process.getuid() === 0) skipNow('root may read everything')
  const { code, err } = await hearth(['create', 'bad', '-f', '-'], 'FROM ./secret.gguf\n')
  ok(code === 1 && /secret\.gguf.*(denied|permission)/i.test(err), err)
})
await check('bad command: nothing was created', async () => { eq(storeState(d), before) })
fs.rmSync(home, { recursive: true, force: true })
await check('bad input: the daemons end cleanly', async () => {
  for (const daemon of Object.values(daemons)) eq(await daemon.stop(), { code: 0, signal: null })
})
agent.destroy()
