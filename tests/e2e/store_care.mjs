// Models used where they lie, damaged blobs and unused files, and the commands that pull and push: with a registry of a few
// lines. What real registries and bad lines do to a pull is in registry.mjs and registry_faults.mjs.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { BIN, Daemon, check, eq, eventually, ok, shared, skipNow } from './harness.mjs'

const model = shared('data/models/stories260K/stories260K-f32.gguf')
const needModel = () => model ?? skipNow('shared data is absent')
const sha = (bytes) => createHash('sha256').update(bytes).digest('hex')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'hearth-care-'))
process.on('exit', () => fs.rmSync(folder, { recursive: true, force: true }))
const d = await Daemon.start()
const models = path.join(d.folder, 'models')
const blobFile = (digest) => path.join(models, 'blobs', digest.replace(':', '-'))
const environment = { PATH: process.env.PATH, HOME: folder, HEARTH_HOST: `127.0.0.1:${d.port}`, TERM: 'xterm' }

function hearth(args, { onError = () => {} } = {}) {
  return new Promise((done) => {
    const child = spawn(path.join(BIN, 'hearth'), args, { env: environment, cwd: folder })
    let out = '', err = ''
    child.stdout.on('data', (bytes) => { out += bytes })
    child.stderr.on('data', (bytes) => { err += bytes; onError(err, child) })
    child.on('close', (code) => done({ code, out, err }))
    child.stdin.end()
  })
}
async function succeed(...args) {
  const { code, out, err } = await hearth(args)
  eq(code, 0, `${args.join(' ')}: ${out} ${err}`)
  return out
}

// GETs of manifests and blobs, with ranges; what is pushed is kept. `gate` holds blobs back.
class SmallRegistry {
  blobs = new Map()
  manifests = new Map()
  requests = []
  gate = Promise.resolve()
  static async start() {
    const registry = new SmallRegistry()
    registry.server = http.createServer((request, response) => registry.answer(request, response).catch(() => response.destroy()))
    await new Promise((done) => registry.server.listen(0, '127.0.0.1', done))
    registry.host = `127.0.0.1:${registry.server.address().port}`
    return registry
  }
  put(name, contents) {
    const layers = contents.map(({ type, bytes }) => ({ mediaType: `application/vnd.ollama.image.${type}`, digest: 'sha256:' + sha(bytes), size: bytes.length }))
    const config = Buffer.from('{}')
    for (const bytes of [config, ...contents.map(({ bytes }) => bytes)]) this.blobs.set('sha256:' + sha(bytes), bytes)
    this.manifests.set(name, JSON.stringify({ schemaVersion: 2, config: { mediaType: 'application/vnd.docker.container.image.v1+json', digest: 'sha256:' + sha(config), size: 2 }, layers }))
    return layers
  }
  async answer(request, response) {
    this.requests.push(`${request.method} ${request.url}`)
    const [, repository, kind, reference] = /^\/v2\/(.+)\/(manifests|blobs)\/(.*)$/.exec(request.url) ?? []
    if (kind === 'blobs' && request.method === 'GET') await this.gate
    if (kind === 'blobs' && this.serves?.(repository) === false) return response.writeHead(404).end()
    const body = kind === 'manifests' ? this.manifests.get(`${repository}:${reference}`) : this.blobs.get(reference)
    if (body === undefined) return response.writeHead(404).end()
    const [, from, to] = /bytes=(\d+)-(\d*)/.exec(request.headers.range ?? '') ?? []
    if (!from) return response.writeHead(200, { 'content-length': Buffer.byteLength(body) }).end(request.method === 'HEAD' ? undefined : body)
    const start = Number(from), end = Math.min(to ? Number(to) : Infinity, body.length - 1)
    response.writeHead(206, { 'content-length': end - start + 1, 'content-range': `bytes ${start}-${end}/${body.length}` })
    return response.end(request.method === 'HEAD' ? undefined : body.subarray(start, end + 1))
  }
}
const registry = await SmallRegistry.start()
const text = (bytes) => [{ type: 'model', bytes: Buffer.from(bytes) }]

await check('import: a file of 40 GB in two seconds and no disk, and it runs where it lies', async () => {
  needModel()
  const place = path.join(folder, 'flat'), huge = path.join(place, 'stories-260K-F32.gguf')
  fs.mkdirSync(place)
  fs.copyFileSync(model, huge)
  fs.truncateSync(huge, 40e9)
  fs.writeFileSync(path.join(place, 'notes.gguf'), 'no model')
  const used = () => Number(spawnSync('du', ['-s', '--block-size=1', models]).stdout.toString().split('\t')[0])
  const before = used(), stamp = fs.statSync(huge).mtimeMs, start = Date.now()
  const { code, out, err } = await hearth(['import', 'flat'])
  ok(code === 0 && Date.now() - start < 2000, `${code} ${Date.now() - start} ms ${err}`)
  ok(used() - before < 1e6, `${used() - before} bytes of disk`)
  eq(out, `imported 'stories-260K:F32' from ${fs.realpathSync(huge)}\n`)
  ok(/left out .*notes\.gguf: /.test(err), err)
  eq([fs.statSync(huge).size, fs.statSync(huge).mtimeMs], [40e9, stamp])
  ok((await succeed('list', '--paths')).includes(fs.realpathSync(huge)), 'list --paths')
  const answer = await d.post('/api/generate', { model: 'stories-260K:F32', prompt: 'Once', stream: false, options: { num_predict: 3 } })
  ok(answer.eval_count > 0, JSON.stringify(answer))
  eq(await succeed('import', path.join(place, 'stories-260K-F32.gguf')), `unchanged 'stories-260K:F32' from ${fs.realpathSync(huge)}\n`)
  eq(await succeed('link', huge, 'huge'), `imported 'huge:latest' from ${fs.realpathSync(huge)}\n`)
  await succeed('rm', 'huge', 'stories-260K:F32')
  ok(fs.existsSync(huge), 'the file stays')
})
await check('import: the cache of Hugging Face, with parts; verify gives what nobody has read its digest', async () => {
  needModel()
  const repository = path.join(folder, 'hub/models--me--tiny-GGUF'), snapshot = path.join(repository, 'snapshots/0a1b')
  fs.mkdirSync(snapshot, { recursive: true })
  fs.mkdirSync(path.join(repository, 'blobs'))
  fs.copyFileSync(model, path.join(repository, 'blobs/etag'))
  fs.symlinkSync('../../blobs/etag', path.join(snapshot, 'tiny-F32.gguf'))
  fs.mkdirSync(path.join(repository, 'refs'))
  fs.writeFileSync(path.join(repository, 'refs/main'), '0a1b')
  await succeed('import', 'hub')
  const id = async () => (await d.call('GET', '/api/tags')).json.models.find(({ name }) => name === 'hf.co/me/tiny-GGUF:F32')?.digest
  const before = await id()
  const out = await succeed('verify', 'hf.co/me/tiny-gguf:f32')
  const digest = 'sha256:' + sha(fs.readFileSync(model))
  ok(out.includes(`it is ${digest} now`) && /2 blobs verified, all right/.test(out), out)
  ok(before && await id() !== before, 'the id is that of the contents')
  eq(fs.realpathSync(blobFile(digest)), fs.realpathSync(path.join(repository, 'blobs/etag')))
  ok(/^2 blobs verified/.test(await succeed('verify', 'hf.co/me/tiny-GGUF:F32')), 'nothing new the second time')
  ok((await d.post('/api/show', { model: 'hf.co/me/tiny-GGUF:F32' })).details.family === 'llama', 'show')
  fs.appendFileSync(path.join(repository, 'blobs/etag'), 'x')
  const changed = await hearth(['verify'])
  ok(changed.code === 1 && /moved sha256:.*has changed since/.test(changed.out), changed.out)
  await succeed('rm', 'hf.co/me/tiny-GGUF:F32')
})
await check('import: a store of Ollama, and what cannot be', async () => {
  needModel()
  const other = await Daemon.start()
  await other.create('user/theirs:v1', model)
  const theirs = path.join(other.folder, 'models')
  const out = await succeed('import', theirs)
  ok(out.startsWith("imported 'user/theirs:v1' from "), out)
  const id = async (daemon) => (await daemon.call('GET', '/api/tags')).json.models[0].digest
  eq(await id(d), await id(other))
  eq(fs.realpathSync(blobFile('sha256:' + sha(fs.readFileSync(model)))).startsWith(fs.realpathSync(theirs)), true)
  await succeed('rm', 'user/theirs:v1')
  await other.stop()
  const refused = async (place, name) => { const { code, err } = await hearth(['import', place, ...(name ? [name] : [])]); eq(code, 1); return err }
  ok(/nowhere/.test(await refused('nowhere')), 'a place that is not there')
  fs.mkdirSync(path.join(folder, 'empty'))
  ok(/no \.gguf file/.test(await refused('empty')), 'an empty folder')
  eq((await d.call('POST', '/api/import', { path: 'relative' })).status, 400)
  eq((await d.call('POST', '/api/import', {})).status, 400)
})
await check('gc: exactly what belongs to nobody', async () => {
  await succeed('pull', '--insecure', `${registry.host}/library/${(registry.put('library/kept:latest', text('kept')), 'kept')}`)
  const orphans = ['a', 'b'].map((letter) => `blobs/sha256-${letter.repeat(64)}`)
  for (const name of orphans) fs.writeFileSync(path.join(models, name), 'x'.repeat(1000))
  fs.writeFileSync(path.join(models, `blobs/sha256-${'c'.repeat(64)}-partial`), 'half')
  const before = fs.readdirSync(path.join(models, 'blobs')).sort()
  const dry = await hearth(['gc', '--dry-run'])
  eq(dry.out.split('\n').filter((line) => line.startsWith('blobs/')).map((line) => line.split(/ +/)[0]), orphans)
  ok(/2 files would be removed, 2 KB/.test(dry.out) && /1 file of stopped downloads/.test(dry.err), dry.out + dry.err)
  eq(fs.readdirSync(path.join(models, 'blobs')).sort(), before)
  ok(/2 files removed, 2 KB/.test(await succeed('gc')), 'gc')
  eq(fs.readdirSync(path.join(models, 'blobs')).sort(), before.filter((name) => !orphans.includes(`blobs/${name}`)))
  ok(/1 file removed/.test(await succeed('gc', '--downloads')), 'gc --downloads')
  eq((await d.post('/api/gc', { stream: false, dry_run: true })).count, 0)
})
await check('verify: a flipped bit is found, and repaired by the registry', async () => {
  const [layer] = registry.put('library/kept:latest', text('kept'))
  const name = `${registry.host}/library/kept:latest`
  fs.writeFileSync(blobFile(layer.digest), 'kepT')
  const found = await hearth(['verify'])
  eq(found.code, 1)
  ok(found.out.includes(`damaged ${layer.digest} (${name}): has the content of sha256:`) && /verify --repair/.test(found.err), found.out + found.err)
  registry.blobs.delete(layer.digest) // the registry has it no more: the damaged blob comes back
  const refused = await hearth(['verify', '--repair', '--insecure'])
  ok(refused.code === 1 && /not repaired .*file does not exist/.test(refused.out), refused.out + refused.err)
  eq(fs.readFileSync(blobFile(layer.digest), 'utf8'), 'kepT')
  registry.blobs.set(layer.digest, Buffer.from('kept'))
  const out = await succeed('verify', name, '--repair', '--insecure')
  ok(out.includes(`repaired ${layer.digest}`) && /all right/.test(out), out)
  eq(fs.readFileSync(blobFile(layer.digest), 'utf8'), 'kept')
  ok(/1 damaged blob .*`hearth gc` removes it/.test((await hearth(['verify'])).err), 'where the damaged one is')
  ok(/1 file removed/.test(await succeed('gc')), 'the damaged one goes with gc')
})
await check('verify --repair: a blob of several names, of a model made here, of a name that means another model now, of nobody', async () => {
  const shared = [{ type: 'model', bytes: Buffer.from('shared weights') }], manifests = (name) => path.join(models, 'manifests', registry.host, 'library', name, 'latest')
  const [layer] = registry.put('library/first:latest', shared)
  registry.put('library/second:latest', shared)
  for (const name of ['first', 'second']) await succeed('pull', '--insecure', `${registry.host}/library/${name}`)
  // Made from "first" under a name that somebody else has at the registry.
  const made = JSON.parse(fs.readFileSync(manifests('first'), 'utf8'))
  made.layers[0].from = `${registry.host}/library/first:latest`
  fs.mkdirSync(path.dirname(manifests('mine')), { recursive: true })
  fs.writeFileSync(manifests('mine'), JSON.stringify(made))
  registry.put('library/mine:latest', text('somebody else\'s'))
  registry.put('library/first:latest', text('newer')) // and "first" has moved on, its old blobs are still there
  const before = ['first', 'second', 'mine'].map((name) => fs.readFileSync(manifests(name), 'utf8'))
  const damage = () => fs.writeFileSync(blobFile(layer.digest), 'shared weightS')
  damage()
  const out = await succeed('verify', '--repair', '--insecure')
  ok(out.includes(`repaired ${layer.digest} (`) && ['first', 'second', 'mine'].every((name) => out.includes(`library/${name}`)) && /all right/.test(out), out)
  eq(['first', 'second', 'mine'].map((name) => fs.readFileSync(manifests(name), 'utf8')), before)
  eq(fs.readFileSync(blobFile(layer.digest), 'utf8'), 'shared weights')
  await succeed('rm', `${registry.host}/library/first`, `${registry.host}/library/second`)
  registry.serves = (repository) => repository !== 'library/mine' // only the model it was made from still has it there
  damage()
  ok((await succeed('verify', '--repair', '--insecure', `${registry.host}/library/mine`)).includes('library/first:latest has it'), 'from its parent')
  delete registry.serves
  eq(fs.readFileSync(manifests('mine'), 'utf8'), before[2])
  await succeed('rm', `${registry.host}/library/mine`)
  await succeed('gc')
  const nobody = 'sha256:' + 'd'.repeat(64)
  fs.writeFileSync(blobFile(nobody), 'x')
  const left = await hearth(['verify', '--repair'])
  ok(left.code === 1 && left.out.includes(`not repaired ${nobody} (of no model): no model uses it, and \`hearth gc\` removes it`), left.out + left.err)
  await succeed('gc')
})
await check('pull in a terminal: bars; Ctrl-C keeps what has come; run pulls what is not there', async () => {
  const name = `${registry.host}/library/big:latest`
  const bytes = Buffer.alloc(3_000_000, 'abc')
  const [layer] = registry.put('library/big:latest', [{ type: 'model', bytes }])
  let open
  registry.gate = new Promise((done) => { open = done })
  let killed = false
  const onError = (err, child) => { killed ||= err.includes(`pulling ${layer.digest.slice(7, 19)}`) && child.kill('SIGINT') }
  const stopped = await hearth(['pull', '--insecure', name], { onError }).finally(() => open())
  eq(stopped.code, 1)
  ok(stopped.err.includes(`Error: stopped; the next \`hearth pull ${name}\` goes on from here`), stopped.err)
  registry.gate = Promise.resolve()
  if (spawnSync('script', ['--version']).status !== 0) skipNow('the program script is not installed')
  const child = spawn('script', ['-qfec', `stty cols 90 rows 24; exec ${path.join(BIN, 'hearth')} pull --insecure ${name}`, '/dev/null'], { env: environment, cwd: folder })
  let output = ''
  child.stdout.on('data', (bytes) => { output += bytes })
  const code = await new Promise((done) => child.on('close', done))
  ok(output.includes(`pulling ${layer.digest.slice(7, 19)}: 100% ▕█`) && output.includes('▏ 3 MB') && output.trimEnd().endsWith('success'), `${code}: ${JSON.stringify(output.slice(-600))}`)
  await succeed('rm', name)
  const start = Date.now()
  await succeed('pull', '--insecure', '--limit-rate', '4M', name)
  ok(Date.now() - start > 500, `${Date.now() - start} ms for 3 MB with --limit-rate 4M`)
  const run = await hearth(['run', '--insecure', `${registry.host}/library/kept:other`, 'hello'])
  ok(run.code === 1 && /not found here, and not pulled: .*file does not exist.*`hearth list`/.test(run.err), run.err)
  await succeed('rm', name)
  const again = await hearth(['run', '--insecure', name, 'hello'])
  ok(again.err.includes('verifying sha256 digest') && fs.existsSync(blobFile(layer.digest)), again.err)
})
await check('create from a model that is not there pulls it', async () => {
  const name = `${registry.host}/library/base:latest`
  registry.put('library/base:latest', needModel() && [{ type: 'model', bytes: fs.readFileSync(model) }])
  const events = []
  for await (const event of d.lines('/api/create', { model: 'child', from: name, insecure: true, system: 'S' })) events.push(event)
  ok(events.some(({ status }) => status === 'pulling manifest') && events.at(-1).status === 'success', JSON.stringify(events.slice(-2)))
  eq((await d.post('/api/show', { model: 'child' })).system, 'S')
})
await check('a slow registry does not hold up the end of the daemon', async () => {
  registry.gate = new Promise(() => {})
  registry.put('library/slow:latest', text('slow'))
  const pulling = d.fetch('POST', '/api/pull', { model: `${registry.host}/library/slow`, insecure: true }).then((answer) => answer.text()).catch(() => '')
  await eventually(() => registry.requests.some((line) => line.includes('slow/blobs')), 'the pull asks for a blob')
  const start = Date.now()
  eq((await d.stop()).code, 0)
  ok(Date.now() - start < 5000, `${Date.now() - start} ms`)
  await pulling
  registry.server.closeAllConnections()
  registry.server.close()
})
