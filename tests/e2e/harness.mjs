// What every end-to-end test needs: a real hearthd on a free port with a store of its own, requests, checks.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'

export const BIN = path.resolve(process.argv[2] ?? 'build/dev/bin')
const SOURCE = path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..')

// A file of the shared test data, or null where it is absent.
export function shared(relative) {
  for (const base of ['../shared', '../../shared']) {
    const file = path.join(SOURCE, base, relative)
    if (fs.existsSync(file)) return file
  }
  return null
}

// The model that comes with hearth: a real one that answers, for whatever needs no known text.
export const starter = path.join(SOURCE, 'packaging/starter/starter-q8_0.gguf')
// A format whose answer has no end but num_predict or the context.
export const endless = { type: 'array', items: { type: 'integer' }, minItems: 100000 }

let passed = 0, failed = 0, skipped = 0
class Skip extends Error {}
export const skipNow = (why) => { throw new Skip(why) }
const only = process.env.ONLY ? new RegExp(process.env.ONLY) : null
const LIMIT_MS = Number(process.env.CHECK_TIMEOUT_MS ?? 180000)

export async function check(name, test) {
  if (only && !only.test(name)) return
  let timer
  const start = Date.now(), took = () => Date.now() - start < 1000 ? '' : ` (${((Date.now() - start) / 1000).toFixed(1)} s)`
  const limit = new Promise((_, no) => { timer = setTimeout(() => no(new Error(`no end after ${LIMIT_MS} ms`)), LIMIT_MS) })
  try {
    await Promise.race([test(), limit])
    passed++
    console.log(`ok ${name}${took()}`)
  } catch (error) {
    if (error instanceof Skip) {
      skipped++
      console.log(`skip ${name}: ${error.message}`)
    } else {
      failed++
      console.log(`FAIL ${name}: ${String(error?.stack ?? error).split('\n').slice(0, 3).join(' | ').slice(0, 600)}`)
    }
  } finally { clearTimeout(timer) }
}
export function add(counts) { passed += counts.passed; failed += counts.failed; skipped += counts.skipped }
export function finish() {
  if (skipped) console.log(`# ${skipped} skipped`)
  console.log(`${passed} passed, ${failed} failed`)
  process.exit(failed ? 1 : 0)
}

export function ok(condition, why = 'expected true') { if (!condition) throw new Error(why) }
export function eq(found, expected, what = 'value') {
  const a = JSON.stringify(found), b = JSON.stringify(expected)
  if (a !== b) throw new Error(`${what}: found ${a?.slice(0, 300)}, expected ${b?.slice(0, 300)}`)
}
export const sleep = (ms) => new Promise((done) => setTimeout(done, ms))
export async function eventually(condition, what, limitMs = 20000) {
  const end = Date.now() + limitMs
  while (Date.now() < end) {
    const value = await condition()
    if (value) return value
    await sleep(20)
  }
  throw new Error(`${what}: not within ${limitMs} ms`)
}

export function freePort() {
  return new Promise((done, fail) => {
    const server = net.createServer()
    server.once('error', fail)
    server.listen(0, '127.0.0.1', () => { const { port } = server.address(); server.close(() => done(port)) })
  })
}

const daemons = new Set()
process.on('exit', () => { for (const daemon of daemons) daemon.process.kill('SIGKILL') })

// Environment of a daemon: nothing of ours but PATH, and what sanitizers are told. Stores begin empty.
const sanitizers = process.env.TSAN_OPTIONS ? { TSAN_OPTIONS: process.env.TSAN_OPTIONS } : {}
const environment = (folder, extra) => ({ PATH: process.env.PATH, ...sanitizers, HOME: folder, HEARTH_MODELS: path.join(folder, 'models'), HEARTH_NO_STARTER: '1', ...extra })

// Runs hearthd until it ends by itself: {code, output}.
export function runDaemon(args, extra = {}) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-e2e-'))
  return new Promise((done) => {
    const child = spawn(path.join(BIN, 'hearthd'), args, { env: environment(folder, extra) })
    let output = ''
    child.stdout.on('data', (text) => { output += text })
    child.stderr.on('data', (text) => { output += text })
    child.on('exit', (code) => { fs.rmSync(folder, { recursive: true, force: true }); done({ code, output }) })
  })
}

export class Daemon {
  static async start(extra = {}, args = []) {
    const daemon = new Daemon()
    daemon.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-e2e-'))
    daemon.port = await freePort()
    daemon.base = `http://127.0.0.1:${daemon.port}`
    daemon.log = ''
    daemon.process = spawn(path.join(BIN, 'hearthd'), ['--host', `127.0.0.1:${daemon.port}`, ...args], { env: environment(daemon.folder, extra) })
    daemon.ended = new Promise((done) => daemon.process.on('exit', (code, signal) => { daemons.delete(daemon); done({ code, signal }) }))
    daemon.process.stderr.on('data', (text) => { daemon.log += text })
    daemons.add(daemon)
    await eventually(async () => {
      try { return (await fetch(daemon.base + '/')).ok } catch { return false }
    }, 'hearthd answers')
    return daemon
  }

  async stop(signal = 'SIGTERM') {
    this.process.kill(signal)
    const result = await this.ended
    fs.rmSync(this.folder, { recursive: true, force: true })
    return result
  }

  // Lines of the request log.
  requests() { return this.log.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line)) }

  fetch(method, route, body, options = {}) {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array || body === undefined
    return fetch(this.base + route, { method, body: isRaw ? body : JSON.stringify(body), ...options })
  }
  // {status, json, text, headers}
  async call(method, route, body, options) {
    const response = await this.fetch(method, route, body, options)
    const text = await response.text()
    let json
    try { json = JSON.parse(text) } catch { json = undefined }
    return { status: response.status, text, json, headers: response.headers }
  }
  async post(route, body, options) {
    const answer = await this.call('POST', route, body, options)
    if (answer.status !== 200) throw new Error(`${route}: ${answer.status} ${answer.text}`)
    return answer.json
  }
  // The objects of an NDJSON stream, as they come.
  async * lines(route, body, options) {
    const response = await this.fetch('POST', route, body, options)
    if (response.status !== 200) throw new Error(`${route}: ${response.status} ${await response.text()}`)
    let rest = ''
    for await (const bytes of response.body) {
      rest += Buffer.from(bytes).toString('utf8')
      let end
      while ((end = rest.indexOf('\n')) >= 0) {
        yield JSON.parse(rest.slice(0, end))
        rest = rest.slice(end + 1)
      }
    }
    if (rest) throw new Error(`half a line: ${rest}`)
  }

  async upload(file) {
    const bytes = fs.readFileSync(file)
    const digest = 'sha256:' + createHash('sha256').update(bytes).digest('hex')
    const answer = await this.call('POST', `/api/blobs/${digest}`, bytes)
    ok(answer.status === 200 || answer.status === 201, `upload: ${answer.status} ${answer.text}`)
    return digest
  }
  async create(name, file, more = {}) {
    const digest = await this.upload(file)
    return this.post('/api/create', { model: name, files: { [path.basename(file)]: digest }, stream: false, ...more })
  }

  async ps() { return (await this.call('GET', '/api/ps')).json.models }
  // Process ids of the runners of this daemon.
  runners() {
    const ids = []
    for (const entry of fs.readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue
      try {
        const status = fs.readFileSync(`/proc/${entry}/status`, 'utf8')
        if (status.includes(`\nPPid:\t${this.process.pid}\n`) && !status.includes('\nState:\tZ')) ids.push(Number(entry))
      } catch { /* it has ended */ }
    }
    return ids
  }
}
