// What the tests of pull and push share: a pull or push as a client sees it, and what must hold for every one of them.
import fs from 'node:fs'
import path from 'node:path'
import { eq, ok } from './harness.mjs'
import { examineStore } from './docker_registry.mjs'

// {events, error, status, ms}. `error` is that of the answer or of its last line.
async function transfer(d, route, name, { insecure = true, signal, onEvent = () => {}, ...more } = {}) {
  const start = Date.now(), events = []
  const response = await d.fetch('POST', route, { model: name, insecure, ...more }, { signal })
  const result = { events, status: response.status, error: undefined }
  let rest = ''
  for await (const bytes of response.body) {
    rest += Buffer.from(bytes).toString('utf8')
    const lines = rest.split('\n')
    rest = lines.pop()
    for (const line of lines.filter((line) => line.trim())) { events.push(JSON.parse(line)); onEvent(events.at(-1)) }
  }
  if (rest.trim()) events.push(JSON.parse(rest))
  result.error = events.at(-1)?.error
  result.ms = Date.now() - start
  return result
}
export const pull = (d, name, options) => transfer(d, '/api/pull', name, options)
export const push = (d, name, options) => transfer(d, '/api/push', name, options)

// The lines of a pull that went well: their texts in order, progress that never goes back and ends where it should.
export function checkEvents({ events, error }, { skips = [] } = {}) {
  ok(!error, error)
  const texts = ['pulling manifest', 'pulling', 'verifying sha256 digest', 'writing manifest', 'removing unused layers', 'success'].filter((text) => !skips.includes(text))
  let at = 0
  const seen = new Map()
  for (const { status, digest, total, completed = 0 } of events) {
    const text = digest ? 'pulling' : status
    while (at < texts.length && texts[at] !== text) ++at
    ok(at < texts.length, `"${status}" at the wrong place among ${events.map((event) => event.status).join(', ').slice(0, 300)}`)
    if (!digest) continue
    eq(status, `pulling ${digest.slice(7, 19)}`, 'status')
    ok(completed <= total, `${digest}: ${completed} of ${total}`)
    const before = seen.get(digest)
    ok(!before || before.total === total && before.completed <= completed, `${digest}: ${JSON.stringify(before)}, then ${completed} of ${total}`)
    seen.set(digest, { total, completed })
  }
  for (const [digest, { total, completed }] of seen) eq(completed, total, `end of ${digest}`)
  eq([events[0].status, events.at(-1).status], ['pulling manifest', 'success'])
}

export const manifestFile = (models, name) => {
  const [host, space, model] = name.split('/'), [repository, tag = 'latest'] = model.split(':')
  return path.join(models, 'manifests', host, space, repository, tag)
}
// What is in the store is what was put into the registry, and the rest of the store is whole too.
export function checkStored(models, name, { manifest, blobs }) {
  eq(fs.readFileSync(manifestFile(models, name), 'utf8'), manifest, 'manifest')
  examineStore(models)
  for (const { digest, size } of blobs) eq(fs.statSync(path.join(models, 'blobs', digest.replace(':', '-'))).size, size, digest)
}
export const peakBytes = (pid) => Number(/VmHWM:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) * 1024
