// The `hearth` program as people use it: commands, a chat through a terminal, starting the daemon by itself.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { BIN, Daemon, check, eq, eventually, freePort, ok, shared, skipNow, sleep } from './harness.mjs'

const stories = shared('data/models/stories260K/stories260K-f32.gguf')
const scripted = shared('clients/models/scripted-jinja.gguf')
const needStories = () => stories ?? skipNow('shared data is absent')
const needScripted = () => scripted ?? skipNow('shared data is absent')
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-cli-'))
const d = await Daemon.start()
const environment = (extra = {}) => ({ PATH: process.env.PATH, HOME: home, HEARTH_HOST: `127.0.0.1:${d.port}`, TERM: 'xterm', ...extra })

// Runs `hearth` to its end: {code, out, err}.
function hearth(args, { input = '', extra = {} } = {}) {
  return new Promise((done) => {
    const child = spawn(path.join(BIN, 'hearth'), args, { env: environment(extra), cwd: home })
    let out = '', err = ''
    child.stdout.on('data', (bytes) => { out += bytes })
    child.stderr.on('data', (bytes) => { err += bytes })
    child.on('close', (code) => done({ code, out, err }))
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
async function succeed(args, options) {
  const result = await hearth(args, options)
  eq(result.code, 0, `${args.join(' ')}: ${result.err || result.out}`)
  return result
}
async function refuse(args, pattern, options) {
  const result = await hearth(args, options)
  eq(result.code, 1, `${args.join(' ')}: ${result.out}`)
  const errors = result.err.trim().split('\n').filter((line) => line.startsWith('Error: '))
  ok(errors.length === 1 && pattern.test(errors[0]), `${args.join(' ')}: ${result.err}`)
}

// `hearth` in a terminal of 80 columns; what is typed goes through the terminal's own line discipline.
class Terminal {
  constructor(args) {
    this.output = ''
    const command = `stty cols 80 rows 24; exec ${[path.join(BIN, 'hearth'), ...args].map((word) => `'${word}'`).join(' ')}`
    this.process = spawn('script', ['-qfec', command, '/dev/null'], { env: environment(), cwd: home })
    this.process.stdout.on('data', (bytes) => { this.output += bytes })
    this.ended = new Promise((done) => this.process.on('close', done))
  }
  // Types text and waits until the terminal has shown `pattern` after it.
  async type(text, pattern, what = text) {
    const start = this.output.length
    this.process.stdin.write(text)
    return eventually(() => this.output.slice(start).match(pattern), `after ${JSON.stringify(what)}: ${JSON.stringify(this.output.slice(-300))}`, 20000)
  }
  sees(pattern) { return eventually(() => this.output.match(pattern), `${pattern} in ${JSON.stringify(this.output.slice(-300))}`, 20000) }
}
const needTerminal = async () => {
  const found = await new Promise((done) => spawn('script', ['--version']).on('error', () => done(false)).on('close', (code) => done(code === 0)))
  if (!found) skipNow('the program script is not installed')
}

await check('hearth: help and version', async () => {
  const help = await succeed(['--help'])
  for (const command of ['run', 'create', 'list', 'ps', 'stop', 'rm', 'show', 'serve', 'cp']) ok(new RegExp(`\\n  ${command}\\b`).test(help.out), command)
  eq((await succeed([])).out, help.out)
  for (const command of ['run', 'create', 'list', 'ps', 'stop', 'rm', 'show', 'cp']) ok((await succeed([command, '--help'])).out.includes(command), command)
  ok(/--host/.test((await succeed(['serve', '--help'])).out), 'serve --help is hearthd --help')
  ok(/^hearth version is \d+\.\d+\.\d+\n$/.test((await succeed(['--version'])).out))
})
await check('hearth: mistakes are one line each', async () => {
  await refuse(['nope'], /no command 'nope'.*--help/)
  await refuse(['list', '--nope'], /no option --nope/)
  await refuse(['show', 'a', 'b'], /unexpected argument 'b'/)
  await refuse(['run'], /MODEL/)
  await refuse(['run', 'missing', 'hello'], /'missing' not found.*hearth list/)
  await refuse(['show', 'missing'], /not found/)
  await refuse(['rm', 'missing'], /not found/)
  await refuse(['cp', 'missing', 'other'], /not found/)
  await refuse(['stop', 'missing'], /not found/)
  await refuse(['create', 'x'], /no file Modelfile/)
  await refuse(['create', 'x', '-f', '-'], /line 1.*no file .*absent\.gguf/, { input: 'FROM ./absent.gguf\n' })
  await refuse(['create', 'x', '-f', '-'], /FROM/, { input: 'SYSTEM hello\n' })
  fs.writeFileSync(path.join(home, 'not-a-model.gguf'), 'this is not a model')
  await refuse(['create', 'x', '-f', '-'], /GGUF|gguf/, { input: 'FROM ./not-a-model.gguf\n' })
  await refuse(['list'], /HEARTH_HOST/, { extra: { HEARTH_HOST: 'http://127.0.0.1:notaport' } })
})
await check('hearth: settings come from flag, variable and file, and say so', async () => {
  const folder = path.join(home, '.config/hearth'), file = path.join(folder, 'config')
  fs.mkdirSync(folder, { recursive: true })
  const origins = async (args, extra) => Object.fromEntries(JSON.parse((await succeed([...args, 'config', 'show', '--json'], { extra })).out).settings.map((row) => [row.name, [row.value, row.origin]]))
  try {
    fs.writeFileSync(file, 'keep-alive = "7m"\nmax_queue = 9 # nine\napi-key = geheim\n')
    const rows = await origins(['--no-history'], { OLLAMA_MAX_QUEUE: '8', HEARTH_NUM_PARALLEL: '3' })
    eq([rows['keep-alive'], rows['max-queue'], rows['num-parallel'], rows['no-history'], rows.models, rows['api-key']],
      [['7m', `${file}:1`], ['8', 'OLLAMA_MAX_QUEUE'], ['3', 'HEARTH_NUM_PARALLEL'], ['true', 'flag --no-history'], ['~/.hearth/models', 'default'], ['(secret)', `${file}:3`]])
    const shown = await succeed(['config', 'show', '--origin'], { extra: { OLLAMA_VULKAN: '1' } })
    ok(/\nkeep-alive +7m +.*config:1\n/.test(shown.out) && /Warning: OLLAMA_VULKAN has no effect: /.test(shown.err), shown.out + shown.err)
    ok((await succeed(['config', 'path'])).out.split('\n').includes(file))
    const serve = await hearth(['serve', '--show-config', '--keep-alive', '1s'])
    ok(/\nkeep-alive +1s +flag/.test(serve.out) && /\nmax-queue +9 +.*config:2/.test(serve.out), serve.out)
    fs.writeFileSync(file, '\nkeep-aliv = 5m\n')
    for (const args of [['list'], ['serve'], ['config', 'show']]) await refuse(args, /config:2: there is no setting "keep-aliv".*nearest is "keep-alive"/)
  } finally { fs.rmSync(file) }
})
await check('hearth: create, list, show, cp, rm', async () => {
  needStories()
  const made = await succeed(['create', 'story', '-f', '-'], { input: `FROM ${stories}\nPARAMETER temperature 0\nPARAMETER num_predict 30\nSYSTEM tell stories\n` })
  ok(/created 'story'/.test(made.err), made.err)
  const listed = (await succeed(['list'])).out.split('\n')
  ok(/^NAME +ID +SIZE +MODIFIED/.test(listed[0]) && /^story:latest +[0-9a-f]{12} +1\.\d MB +\S/.test(listed[1]), listed.join('\n'))
  eq((await succeed(['ls', 'nothing'])).out, 'NAME    ID    SIZE    MODIFIED\n')
  const shown = (await succeed(['show', 'story'])).out
  ok(/llama/.test(shown) && /temperature +0/.test(shown) && /tell stories/.test(shown), shown)
  ok(/^FROM .*\n[^]*PARAMETER temperature 0/m.test((await succeed(['show', '--modelfile', 'story'])).out))
  ok(/copied/.test((await succeed(['cp', 'story', 'twin'])).out))
  ok(/twin:latest/.test((await succeed(['list', 'twi'])).out))
  ok(/deleted/.test((await succeed(['rm', 'twin'])).out))
  ok(!/twin/.test((await succeed(['list'])).out))
})
await check('hearth: one answer, from words and from a pipe', async () => {
  needStories()
  const words = await succeed(['run', 'story', 'Once', 'upon', 'a', 'time'])
  const piped = await succeed(['run', 'story'], { input: 'Once upon a time\n' })
  ok(words.out.length > 40, words.out)
  eq([piped.out, words.err], [words.out, ''])
  ok(/eval rate: +\d/.test((await succeed(['run', '--verbose', 'story', 'hello'])).err))
  const rows = (await succeed(['ps'])).out.split('\n')
  ok(/^NAME +ID +SIZE +PROCESSOR +CONTEXT +UNTIL/.test(rows[0]) && /^story:latest .*100% CPU +\d+ +\S/.test(rows[1]), rows.join('\n'))
  await succeed(['stop', 'story'])
  await eventually(async () => !/story/.test((await succeed(['ps'])).out), 'stopped')
})
await check('hearth: a chat in a terminal', async () => {
  needScripted(); await needTerminal()
  await succeed(['create', 'scripted', '-f', '-'], { input: `FROM ${scripted}\nPARAMETER temperature 0\n` })
  const chat = new Terminal(['run', 'scripted'])
  await chat.sees(/>>> /)
  await chat.type('hi\r', /Hello, world from the scripted model\.[^]*>>> /)
  await chat.type('"""two\r', /\.\.\. /)
  await chat.type('lines"""\r', /Hello, world from the scripted model\.[^]*>>> /)
  await chat.type('/?\r', /\/set parameter[^]*>>> /)
  await chat.type('/set parameter num_predict 2\r', /Set parameter[^]*>>> /)
  await chat.type('/set parameter nonsense 2\r', /Error: [^]*nonsense[^]*>>> /)
  await chat.type('/set system be brief\r', /Set system[^]*>>> /)
  await chat.type('/show system\r', /be brief[^]*>>> /)
  await chat.type('/show info\r', /llama[^]*>>> /)
  await chat.type('/clear\r', /Cleared[^]*>>> /)
  await chat.type('/what\r', /Unknown command '\/what'[^]*>>> /)
  await chat.type('half a li\x03', /\^C[^]*>>> /)
  await chat.type('\x1b[A', /\/what/, 'the last line again')
  await chat.type('\x03', /\^C[^]*>>> /)
  chat.process.stdin.write('/bye\r')
  eq(await chat.ended, 0)
  ok(fs.readFileSync(path.join(home, '.hearth/history'), 'utf8').includes('half') === false, 'a dropped line is not remembered')
})
await check('hearth: Ctrl-C stops the answer and keeps the chat', async () => {
  needStories(); await needTerminal()
  await succeed(['create', 'endless', '-f', '-'], { input: `FROM ${stories}\nPARAMETER num_predict 480\nPARAMETER num_ctx 512\nPARAMETER temperature 1\n` })
  const chat = new Terminal(['run', 'endless'])
  await chat.sees(/>>> /)
  const start = chat.output.length
  chat.process.stdin.write('tell me\r')
  await eventually(() => chat.output.length > start + 60, 'the answer began')
  await chat.type('\x03', />>> /, 'Ctrl-C')
  await chat.type('/set parameter num_predict 3\r', /Set parameter[^]*>>> /)
  await chat.type('again\r', />>> /)
  chat.process.stdin.write('\x04')
  eq(await chat.ended, 0)
  await eventually(() => d.requests().some((line) => line.path === '/api/chat' && /client/.test(line.error ?? '')), 'the daemon saw the client go')
})
await check('hearth: starts the daemon in the background, once, and says so', async () => {
  needStories()
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-auto-'))
  const extra = { HOME: folder, HEARTH_HOST: `127.0.0.1:${await freePort()}` }
  await refuse(['list'], /nobody answers.*hearth serve/, { extra: { ...extra, HEARTH_NO_AUTOSTART: '1' } })
  const first = await succeed(['create', 'story', '-f', '-'], { input: `FROM ${stories}\n`, extra })
  const id = Number(first.err.match(/started the daemon in the background at http:\/\/127\.0\.0\.1:\d+ \(process (\d+), log (.*)\)/)?.[1])
  try {
    ok(id > 0, first.err)
    const second = await succeed(['run', 'story', 'Once'], { extra })
    ok(!/started/.test(second.err), second.err)
    ok(/story:latest/.test((await succeed(['list'], { extra })).out))
    ok(fs.statSync(path.join(folder, '.hearth/hearthd.log')).size > 0, 'a log')
    const serve = await hearth(['serve'], { extra })
    ok(serve.code === 1 && /hearth \d.* answers there/.test(serve.err), serve.err)
  } finally {
    process.kill(id, 'SIGTERM')
    await eventually(() => { try { process.kill(id, 0); return false } catch { return true } }, 'the daemon ends')
    fs.rmSync(folder, { recursive: true, force: true })
  }
})
await check('hearth: another server on the port is named, not used', async () => {
  const foreign = http.createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(request.url === '/api/version' ? '{"version":"0.12.3"}' : 'Ollama is running')
  })
  await new Promise((done) => foreign.listen(0, '127.0.0.1', done))
  await refuse(['list'], /not hearth.*0\.12\.3.*HEARTH_HOST/, { extra: { HEARTH_HOST: `127.0.0.1:${foreign.address().port}` } })
  foreign.close()
  foreign.closeAllConnections()
})
await check('hearth: a daemon that goes away in mid-answer is an error, not an end', async () => {
  needStories()
  const other = await Daemon.start()
  const extra = { HEARTH_HOST: `127.0.0.1:${other.port}` }
  await succeed(['create', 'endless', '-f', '-'], { input: `FROM ${stories}\nPARAMETER num_predict 480\nPARAMETER temperature 1\n`, extra })
  await succeed(['run', 'endless'], { extra })
  const answer = hearth(['run', 'endless', 'Once'], { extra })
  await sleep(60)
  await other.stop('SIGKILL')
  const { code, err } = await answer
  ok(code === 1 && /^Error: /m.test(err), `${code} ${err}`)
})
await d.stop()
fs.rmSync(home, { recursive: true, force: true })
