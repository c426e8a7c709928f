// Only @ctr/overlay: layers by content, and root file systems that stand on them with a layer of their own.
// As root: node run.mjs overlay-only
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LayerStore, packLayer, readFileIn, type LayerSource } from '@ctr/overlay'
import { temporaryFolder } from './support/temporary-folder.js'
import { needRoot } from './support/need-root.js'

needRoot(
  'it mounts where every program sees it; an ordinary user has overlays in its containers: node run.mjs run',
)

using folder = temporaryFolder()
const store = await LayerStore.open(join(folder.path, 'store'))

/** Packs files as an image layer (a tar) and adds it, as one that came from a registry would be. */
async function addLayer(sources: readonly LayerSource[]): Promise<string> {
  const packed = packLayer(sources)
  const layer = await store.add(packed.stream)
  console.log(`  ${layer.diffId.slice(0, 19)}: ${layer.entries} entries, ${layer.size} bytes`)
  return layer.diffId
}

console.log('Layers:')
const base = await addLayer([
  { type: 'file', path: 'etc/motd', content: 'from the base\n' },
  { type: 'file', path: 'etc/old.conf', content: 'soon deleted\n' },
  { type: 'file', path: 'bin/tool', content: '#!/bin/sh\n', mode: 0o755 },
])
// `.wh.NAME` is how a layer says that a file of the layers below is gone
const update = await addLayer([
  { type: 'file', path: 'etc/motd', content: 'from the update\n' },
  { type: 'file', path: 'etc/.wh.old.conf', content: '' },
])

// two root file systems share the layers and nothing else
await using one = await store.createRoot('one', { layers: [base, update] })
await using two = await store.createRoot('two', { layers: [base, update] })
const mountpoint = join(folder.path, 'mnt')
mkdirSync(mountpoint)

{
  await using mounted = one.attach(mountpoint)
  console.log(`\nMounted at ${mounted.path}:`)
  console.log(`  etc holds ${readdirSync(join(mountpoint, 'etc')).join(', ')}`)
  console.log(`  etc/motd is ${JSON.stringify(readFileSync(join(mountpoint, 'etc/motd'), 'utf8'))}`)
  writeFileSync(join(mountpoint, 'etc/motd'), 'changed in root one\n')
  writeFileSync(join(mountpoint, 'new.txt'), 'added in root one\n')
  rmSync(join(mountpoint, 'bin/tool'))
}

console.log('\nChanges of root one:')
for (const { kind, path } of await one.changes()) console.log(`  ${kind} ${path}`)
console.log(`Changes of root two: ${(await two.changes()).length}`)

// a file can be read without mounting anywhere; links in it lead nowhere outside
using detached = two.mount()
const motd = await readFileIn(detached.number, '/etc/motd')
console.log(`etc/motd of root two is ${JSON.stringify(motd.toString())}`)

// a copy-on-write view of any folder, for example of this machine itself
await using sandbox = await store.createRoot('host', { lower: ['/'] })
{
  await using mounted = sandbox.attach(mountpoint)
  rmSync(join(mounted.path, 'etc/passwd'))
}
const deleted = (await sandbox.changes()).filter(({ kind }) => kind === 'D').map(({ path }) => path)
console.log(`\nDeleted in a copy-on-write view of this machine: ${deleted.join(', ')}`)
console.log(`On this machine it has ${readFileSync('/etc/passwd', 'utf8').length} bytes as before`)
