// All end-to-end tests: node main.mjs FOLDER_OF_PROGRAMS. ONLY=regex chooses checks.
import { finish } from './harness.mjs'

await import('./store.mjs')
await import('./store_care.mjs')
await import('./create.mjs')
await import('./durability.mjs')
await import('./chat.mjs')
await import('./embed.mjs')
await import('./server.mjs')
await import('./bad_input.mjs')
await import('./cli.mjs')
await import('./clients.mjs')
await import('./registry.mjs')
await import('./registry_ways.mjs')
await import('./registry_hub.mjs')
await import('./registry_hostile.mjs')
await import('./registry_faults.mjs')
finish()
