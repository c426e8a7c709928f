// crane and oras for tests, where the host has none: of Debian's unstable suite, the only one that has both, in a folder
// of their own. They need nothing but the C library. Nothing of the host changes. Needs apt, and no privileges.
//
//   node scripts/install-registry-clients.mjs
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDebian } from './debian-packages.mjs'

const folder = fileURLToPath(new URL('../node_modules/.cache/registry-clients', import.meta.url))
const names = ['crane', 'oras']

if (!names.every((name) => works(name) || works(join(folder, 'usr/bin', name)))) {
  rmSync(folder, { recursive: true, force: true })
  console.log(`setup: ${names.join(' and ')} of Debian sid, for tests`)
  withDebian('sid', (debian) => debian.unpack(names, folder, { alone: true }))
}

function works(program) {
  return spawnSync(program, ['version']).error === undefined
}
