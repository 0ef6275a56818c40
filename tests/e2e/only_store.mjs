import { finish } from './harness.mjs'
await import('./store.mjs')
finish()
