// Docker Compose 2 for tests, where Debian has none yet: a newer Debian's, which is one program, in a folder of its own.
// Nothing of the host changes. Needs apt, and no privileges.
//
//   node scripts/install-compose.mjs
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDebian } from './debian-packages.mjs'

const suite = 'forky'
const folder = fileURLToPath(new URL('../node_modules/.cache/docker-compose', import.meta.url))
const program = join(folder, 'docker-compose')

if (spawnSync(program, ['version']).status !== 0) {
  console.log(`setup: Docker Compose of Debian ${suite}, for tests`)
  rmSync(folder, { recursive: true, force: true })
  const root = join(folder, 'root')
  mkdirSync(folder, { recursive: true })
  withDebian(suite, (debian) => debian.unpack(['docker-compose'], root, { alone: true }))
  cpSync(join(root, 'usr/libexec/docker/cli-plugins/docker-compose'), program)
  rmSync(root, { recursive: true })
}
