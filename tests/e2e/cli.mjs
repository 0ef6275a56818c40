// The `hearth` program as people use it: commands, a chat through a terminal, starting the daemon by itself.
import { spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { BIN, Daemon, check, endless, eq, eventually, freePort, ok, shared, skipNow, sleep, starter } from './harness.mjs'

const scripted = shared('clients/models/scripted-jinja.gguf')
const needScripted = () => scripted ?? skipNow('shared data is absent')
const home = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-cli-'))
const d = await Daemon.start({ HEARTH_OFFLINE: '1' })
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
  constructor(args, extra = {}) {
    this.output = ''
    const command = `stty cols 80 rows 24; exec ${[path.join(BIN, 'hearth'), ...args].map((word) => `'${word}'`).join(' ')}`
    this.process = spawn('script', ['-qfec', command, '/dev/null'], { env: environment(extra), cwd: home })
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
  for (const args of [[], ['help']]) eq((await succeed(args)).out, help.out)
  eq((await succeed(['help', 'run'])).out, (await succeed(['run', '--help'])).out)
  for (const command of ['run', 'create', 'list', 'ps', 'stop', 'rm', 'show', 'cp']) ok((await succeed([command, '--help'])).out.includes(command), command)
  ok(/--host/.test((await succeed(['serve', '--help'])).out), 'serve --help is hearthd --help')
  ok(/^hearth version is \d+\.\d+\.\d+\n$/.test((await succeed(['--version'])).out))
})
await check('hearth: mistakes are one line each', async () => {
  await refuse(['nope'], /no command 'nope'.*--help/)
  await refuse(['list', '--nope'], /no option --nope/)
  await refuse(['show', 'a', 'b'], /unexpected argument 'b'/)
  await refuse(['run', 'missing', 'hello'], /'missing' not found.*hearth list/)
  await refuse(['show', 'missing'], /not found/)
  await refuse(['rm', 'missing'], /not found/)
  await refuse(['cp', 'missing', 'other'], /not found/)
  await refuse(['stop', 'missing'], /couldn't find model "missing".*not found/)
  await refuse(['run', 'missing', '--keepalive', 'soon', 'hello'], /keepalive: expected a duration.*"soon"/)
  await refuse(['show', 'missing', '--license', '--system'], /license|system|section/)
  await refuse(['create', 'x'], /no file Modelfile/)
  fs.writeFileSync(path.join(home, 'Hotfile'), 'FROM x\nPARAMETER temperature hot\n')
  await refuse(['create', 'x', '-f', 'Hotfile'], /Hotfile: \(line 2\).*temperature/)
  await refuse(['create', 'x', '-f', '-'], /standard input: \(line 1\).*no file .*absent\.gguf/, { input: 'FROM ./absent.gguf\n' })
  await refuse(['create', 'x', '-f', '-'], /FROM/, { input: 'SYSTEM hello\n' })
  fs.writeFileSync(path.join(home, 'not-a-model.gguf'), 'this is not a model')
  await refuse(['create', 'x', '-f', '-'], /not-a-model\.gguf is not a GGUF file: convert it first/, { input: 'FROM ./not-a-model.gguf\n' })
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
    ok(/\nkeep-alive +7m +.*config:1 *\n/.test(shown.out) && /Warning: OLLAMA_VULKAN has no effect: /.test(shown.err), shown.out + shown.err)
    ok((await succeed(['config', 'path'])).out.split('\n').includes(file))
    const serve = await hearth(['serve', '--show-config', '--keep-alive', '1s'])
    ok(/\nkeep-alive +1s +flag/.test(serve.out) && /\nmax-queue +9 +.*config:2/.test(serve.out), serve.out)
    fs.writeFileSync(file, '\nkeep-aliv = 5m\n')
    for (const args of [['list'], ['serve'], ['config', 'show']]) await refuse(args, /config:2: there is no setting "keep-aliv".*nearest is "keep-alive"/)
  } finally { fs.rmSync(file) }
})
await check('hearth: create, list, show, cp, rm', async () => {
  const made = await succeed(['create', 'story', '-f', '-'], { input: `FROM ${starter}\nPARAMETER temperature 0\nPARAMETER num_predict 30\nSYSTEM tell stories\n` })
  ok(/created 'story'/.test(made.err), made.err)
  await refuse(['show', 'storry'], /'storry' not found; did you mean story\?/)
  const listed = (await succeed(['list'])).out.split('\n')
  ok(/^NAME {12}ID {14}SIZE {6}MODIFIED {4,}$/.test(listed[0]) && /^story:latest {4}[0-9a-f]{12} {4}4\.0 MB {4}\S.* {4}$/.test(listed[1]), listed.join('|\n'))
  eq((await succeed(['ls', 'nothing'])).out, 'NAME    ID    SIZE    MODIFIED    \n')
  const shown = (await succeed(['show', 'story'])).out
  ok(/llama/.test(shown) && /temperature +0/.test(shown) && /tell stories/.test(shown), shown)
  ok(/^FROM .*\n[^]*PARAMETER temperature 0/m.test((await succeed(['show', '--modelfile', 'story'])).out))
  ok(/copied/.test((await succeed(['cp', 'story', 'twin'])).out))
  ok(/twin:latest/.test((await succeed(['list', 'twi'])).out))
  ok(/deleted/.test((await succeed(['rm', 'twin'])).out))
  ok(!/twin/.test((await succeed(['list'])).out))
})
await check('hearth: one answer, from words and from a pipe', async () => {
  const words = await succeed(['run', 'story', 'Tell', 'me', 'a', 'story'])
  const piped = await succeed(['run', 'story', 'a story'], { input: 'Tell me' })
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
  await chat.type('/?\r', /Available Commands:[^]*\/set[^]*>>> /)
  await chat.type('/set parameter num_predict 2\r', /Set parameter[^]*>>> /)
  await chat.type('/set parameter nonsense 2\r', /Error: [^]*nonsense[^]*>>> /)
  await chat.type('/set system be brief\r', /Set system[^]*>>> /)
  await chat.type('/show system\r', /be brief[^]*>>> /)
  await chat.type('/show info\r', /llama[^]*>>> /)
  await chat.type('/set parameter stop "a b" c\r', /Set parameter 'stop' to 'a b, c'[^]*>>> /)
  await chat.type('/set parameter num_ctx many\r', /Error: [^]*num_ctx[^]*>>> /)
  await chat.type('/show parameters\r', /Model defined parameters:[^]*temperature +0[^]*User defined parameters:[^]*num_predict +2[^]*"a b"[^]*>>> /)
  await chat.type('/set system """two\r', /\.\.\. /)
  await chat.type('lines"""\r', /Set system[^]*>>> /)
  await chat.type('/show system\r', /two\r\nlines[^]*>>> /)
  for (const [command, answer] of [['/set verbose', "Set 'verbose'"], ['/set quiet', "Set 'quiet'"], ['/set nowordwrap', "Set 'nowordwrap'"], ['/set wordwrap', "Set 'wordwrap'"],
    ['/set nohistory', "Set 'nohistory'"], ['/set history', "Set 'history'"], ['/set format json', "Set format to 'json'"], ['/set format {', 'Error: format'], ['/set noformat', 'Disabled format'],
    ['/set think high', "Set 'think' mode to 'high'"], ['/set think maybe', 'Error: think'], ['/set nothink', "Set 'nothink'"], ['/set nonsense', 'Unknown command '], ['/show', '/show template'],
    ['/set', '/set nothink|/set think'], ['/? shortcuts', 'Ctrl-J'], ['/help set', '/set format'], ['/? parameters', 'repeat_penalty'], ['/list', 'NAME +ID +SIZE'], ['/load', 'Usage'],
    ['/load nowhere', 'Error: [^]*not found'], ['/save', 'Usage'], ['/save a/b/c/d', 'Error: [^]*invalid model name']]) {
    await chat.type(command + '\r', new RegExp(answer.replaceAll('/', '\\/') + '[^]*>>> '))
  }
  await chat.type('/show license\r', /No license[^]*>>> /)
  await chat.type('/show template\r', /\S[^]*>>> /)
  await chat.type('/clear\r', /Cleared[^]*>>> /)
  await chat.type('/what\r', /Unknown command '\/what'[^]*>>> /)
  await chat.type('half a li\x03', /\^C[^]*>>> /)
  await chat.type('\x1b[A', /\/what/, 'the last line again')
  await chat.type('\x03', /\^C[^]*>>> /)
  chat.process.stdin.write('/bye\r')
  eq(await chat.ended, 0)
  ok(fs.readFileSync(path.join(home, '.hearth/history'), 'utf8').includes('half') === false, 'a dropped line is not remembered')
})
await check('hearth: a message with line breaks: Ctrl-J, pasted, from an editor; /save and /load', async () => {
  needScripted(); await needTerminal()
  await succeed(['create', 'talk', '-f', '-'], { input: `FROM ${scripted}\nPARAMETER temperature 0\nMESSAGE user stored question\nMESSAGE assistant stored answer\n` })
  const chat = new Terminal(['run', 'talk'], { HEARTH_EDITOR: "printf 'from the\\neditor\\n' >" })
  await chat.sees(/>>> stored question\r\nstored answer[^]*>>> /)
  await chat.type('/set system keep this\r', /Set system[^]*>>> /)
  await chat.type('/set parameter num_predict 40\r', /Set parameter[^]*>>> /)
  await chat.type('one\ntwo\r', /Hello, world[^]*>>> /, 'Ctrl-J')
  await chat.type('\x1b[200~three\rfour\x1b[201~\r', /Hello, world[^]*>>> /, 'pasted')
  await chat.type('\x07', /editor/, 'Ctrl-G')
  await chat.type('\r', /Hello, world[^]*>>> /, 'what the editor left')
  await chat.type('/save kept\r', /Created new model 'kept'[^]*>>> /)
  await chat.type('/load kept\r', /Loaded model 'kept'[^]*>>> /)
  await chat.type('/show system\r', /keep this[^]*>>> /)
  chat.process.stdin.write('/exit\r')
  eq(await chat.ended, 0)
  const saved = await d.post('/api/show', { model: 'kept' })
  eq(saved.system, 'keep this')
  ok(/num_predict +40/.test(saved.parameters) && /temperature +0/.test(saved.parameters), saved.parameters)
  eq(saved.messages.filter((message) => message.role === 'user').map((message) => message.content), ['stored question', 'one\ntwo', 'three\nfour', 'from the\neditor'])
  eq(saved.messages.length, 8)
  const again = new Terminal(['run', 'kept'])
  await again.sees(/>>> stored question[^]*>>> one\r\ntwo[^]*Hello, world/)
  again.process.stdin.write('\x04')
  eq(await again.ended, 0)
})
await check('hearth: what is typed ahead is the next message', async () => {
  needScripted(); await needTerminal()
  const chat = new Terminal(['run', 'scripted'])
  await chat.sees(/>>> /)
  await chat.type('hi\rhi again\r/bye\r', /Hello, world[^]*Hello, world/)
  eq(await chat.ended, 0)
})
await check('hearth: tokens there and back', async () => {
  const text = 'Once upon a time, there was a "little" girl.'
  const ids = (await succeed(['tokenize', 'story', text])).out
  ok(/^(\d+\n){5,}$/.test(ids), ids)
  eq((await succeed(['tokenize', 'story', '--count'], { input: text })).out, `${ids.trim().split('\n').length}\n`)
  eq(JSON.parse((await succeed(['tokenize', 'story', '--json', '-'], { input: text })).out).tokens.join('\n') + '\n', ids)
  eq((await succeed(['detokenize', 'story'], { input: ids })).out, text)
  await refuse(['detokenize', 'story', 'x'], /token id.*"x"/)
  await refuse(['tokenize', 'missing', 'x'], /not found/)
})
await check('hearth: bench measures clients, and what a newcomer costs them', async () => {
  const few = ['bench', 'story', '--prompt', '64', '--generate', '6']
  const { rows } = JSON.parse((await succeed([...few, '--clients', '1,3', '--requests', '2', '--json'])).out)
  eq(rows.map((row) => [row.clients, row.requests, row.errors, row.prompt_tokens]), [[1, 2, 0, 64], [3, 6, 0, 64]])
  for (const row of rows) ok(row.tokens > 0 && row.first_token_s.p50 > 0 && row.tokens_per_s > 0 && row.longest_gap_s >= row.token_s.p99, JSON.stringify(row))
  const [busy] = JSON.parse((await succeed([...few, '--clients', '2', '--arrive', '200', '--shared-prefix', '32', '--json'])).out).rows
  ok(busy.arrival.prompt_tokens === 200 && busy.arrival.first_token_s > 0 && busy.arrival.streams <= 2, JSON.stringify(busy))
  ok(/CLIENTS.*\n1 /.test((await succeed([...few, '--clients', '1', '--requests', '1'])).out))
  const schema = path.join(os.tmpdir(), `hearth-bench-${process.pid}.json`)
  fs.writeFileSync(schema, JSON.stringify(endless))
  const [bound] = JSON.parse((await succeed(['bench', 'story', '--prompt', '64', '--generate', '90', '--clients', '3', '--requests', '1', '--schema', schema, '--bound', '2', '--json'])).out).rows
  ok(bound.errors === 0 && bound.tokens > 180 && bound.tokens < 270, `two answers have no end, one has: ${bound.tokens} tokens`)
  fs.rmSync(schema)
  await refuse(['bench', 'story', '--bound', '2'], /--bound needs --schema/)
  const failing = await hearth(['bench', 'story', '--clients', '1', '--prompt', '9000'])
  ok(failing.code === 1 && /first error with 1 clients: .*9000/.test(failing.out), failing.out + failing.err)
  await refuse(['bench', 'story', '--clients', '0'], /--clients is 0/)
  await refuse(['bench', 'missing'], /not found/)
})
await check('hearth: run of an embedding model prints its vector', async () => {
  const file = shared('oracle/archs/qwen3-embed.gguf') ?? skipNow('shared data is absent')
  await succeed(['create', 'vectors', '-f', '-'], { input: `FROM ${file}\n` })
  const whole = JSON.parse((await succeed(['run', 'vectors', 'some', 'text'])).out)
  ok(whole.length >= 8 && whole.every((value) => typeof value === 'number'), `${whole.length}`)
  eq(JSON.parse((await succeed(['run', 'vectors', '--dimensions', '4', '--truncate=false'], { input: 'some text' })).out).length, 4)
  await refuse(['run', 'vectors'], /needs a text/)
})
await check('hearth: doctor says what is well and what is not', async () => {
  const page = await succeed(['doctor'])
  for (const line of [/^ok +hearthd +\//m, /^\w+ +processor +.*kernels \w+/m, /^ok +threads +\d+ of \d+ cores/m, /^ok +speed +memory reads \d/m, /^\w+ +memory +\d/m, /^ok +store +\//m, /^ok +daemon +hearth \d/m, /^\w+ +gpu /m, /^\w+ +sandbox /m]) ok(line.test(page.out), `${line}: ${page.out}`)
  const foreign = http.createServer((request, response) => response.end('{"version":"0.12.3"}'))
  await new Promise((done) => foreign.listen(0, '127.0.0.1', done))
  const extra = { HEARTH_HOST: `127.0.0.1:${foreign.address().port}`, HEARTH_MODELS: '/dev/null/models', OLLAMA_VULKAN: '1' }
  const { code, out } = await hearth(['doctor', '--json'], { extra })
  foreign.close()
  foreign.closeAllConnections()
  const checks = Object.fromEntries(JSON.parse(out).checks.map((row) => [row.check, row]))
  eq([code, checks.daemon.health, checks.store.health, checks.settings.health], [1, 'broken', 'broken', 'warning'])
  ok(/0\.12\.3/.test(checks.daemon.found) && /HEARTH_MODELS/.test(checks.store.fix) && /OLLAMA_VULKAN/.test(checks.settings.found), out)
})
await check('hearth: completions and the manual page', async () => {
  const bash = (script) => new Promise((done) => {
    const child = spawn('bash', ['-c', `source <(hearth completion bash); complete_line() { COMP_LINE=$1; COMP_POINT=\${#1}; read -ra COMP_WORDS <<<"$1"; [ "\${1% }" = "$1" ] || COMP_WORDS+=(""); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); __hearth_complete; echo "\${COMPREPLY[*]}"; }; ${script}`],
      { env: environment({ PATH: `${BIN}:${process.env.PATH}` }), cwd: home })
    let out = ''
    child.stdout.on('data', (bytes) => { out += bytes })
    child.stderr.on('data', (bytes) => { out += bytes })
    child.on('close', () => done(out))
  })
  const lines = (await bash('complete_line "hearth sto"; complete_line "hearth config "; complete_line "hearth run --ver"; complete_line "hearth config show --o"')).trim().split('\n')
  eq(lines, ['stop', 'show path', '--verbose', '--origin'])
  const help = await hearth(['help', 'run'])
  ok(/--hidethinking/.test(help.out) && /Environment Variables:\n +HEARTH_HOST/.test(help.out), help.out)
  for (const shell of ['zsh', 'fish']) ok(/tokenize/.test((await succeed(['completion', shell])).out))
  ok(/^\.TH HEARTH 1/.test((await succeed(['man'])).out))
})
await check('hearth: Ctrl-C stops the answer and keeps the chat', async () => {
  await needTerminal()
  await succeed(['create', 'endless', '-f', '-'], { input: `FROM ${starter}\nPARAMETER num_predict 480\nPARAMETER num_ctx 512\n` })
  const chat = new Terminal(['run', 'endless', '--format', JSON.stringify(endless)])
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
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-auto-'))
  const extra = { HOME: folder, HEARTH_HOST: `127.0.0.1:${await freePort()}` }
  await refuse(['list'], /nobody answers.*hearth serve/, { extra: { ...extra, HEARTH_NO_AUTOSTART: '1' } })
  const first = await succeed(['create', 'story', '-f', '-'], { input: `FROM ${starter}\n`, extra })
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
  const other = await Daemon.start()
  const extra = { HEARTH_HOST: `127.0.0.1:${other.port}` }
  await succeed(['create', 'endless', '-f', '-'], { input: `FROM ${starter}\nPARAMETER num_predict 480\n`, extra })
  await succeed(['run', 'endless'], { extra })
  const answer = hearth(['run', 'endless', 'Once', '--format', JSON.stringify(endless)], { extra })
  await sleep(60)
  await other.stop('SIGKILL')
  const { code, err } = await answer
  ok(code === 1 && /^Error: /m.test(err), `${code} ${err}`)
})
await d.stop()
fs.rmSync(home, { recursive: true, force: true })
