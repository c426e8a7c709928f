// CRIU for tests, where that of the host does not know its kernel: a newer Debian's, with the libraries that it is
// linked to, in a folder of its own. Nothing of the host changes. Needs apt, and no privileges.
//
//   node scripts/install-criu.mjs
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withDebian } from './debian-packages.mjs'

// the first with a CRIU that knows Linux 6.16 and later
const suite = 'forky'
const wanted = [4, 2]
const folder = fileURLToPath(new URL('../node_modules/.cache/criu', import.meta.url))
const program = join(folder, 'bin/criu')

if (!works('criu') && !works(program)) install()

/** `criu check` says yes to kernels whose sockets CRIU then cannot save, so the version decides. */
function works(criu) {
  const { stdout } = spawnSync(criu, ['--version'], { encoding: 'utf8' })
  const [, major, minor] = /^Version: (\d+)\.(\d+)/.exec(stdout ?? '') ?? []
  return Number(major) > wanted[0] || (Number(major) === wanted[0] && Number(minor) >= wanted[1])
}

function install() {
  rmSync(folder, { recursive: true, force: true })
  const root = join(folder, 'root')
  mkdirSync(join(folder, 'bin'), { recursive: true })
  console.log(`setup: CRIU of Debian ${suite}, for tests`)
  withDebian(suite, (debian) => debian.unpack(['criu'], root))
  // its own C library comes with a loader of its own
  const loader = join(
    root,
    readdirSync(root, { recursive: true }).find((path) => /\/ld-linux[^/]*\.so\.\d$/.test(path)),
  )
  const libraries = readdirSync(join(root, 'usr/lib'))
    .filter((name) => name.endsWith('-linux-gnu'))
    .map((name) => join(root, 'usr/lib', name))
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${loader}' --library-path '${libraries.join(':')}' '${join(root, 'usr/sbin/criu')}' "$@"\n`,
  )
  chmodSync(program, 0o755)
}
