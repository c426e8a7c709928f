// CRIU for tests, where that of the host does not know its kernel: a newer Debian's, with the libraries that it is
// linked to, in a folder of its own. Nothing of the host changes. Needs apt, and no privileges.
//
//   node scripts/install-criu.mjs
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

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
  const apt = join(folder, 'apt')
  const root = join(folder, 'root')
  for (const path of ['lists/partial', 'cache/archives/partial']) {
    mkdirSync(join(apt, path), { recursive: true })
  }
  mkdirSync(root, { recursive: true })
  mkdirSync(join(folder, 'bin'), { recursive: true })
  writeFileSync(join(apt, 'sources.list'), `deb ${mirror()} ${suite} main\n`)
  writeFileSync(join(apt, 'status'), '')
  const settings = {
    'Dir::Etc::SourceList': join(apt, 'sources.list'),
    'Dir::Etc::SourceParts': '-',
    'Dir::State::Lists': join(apt, 'lists'),
    'Dir::State::Status': join(apt, 'status'), // nothing is installed there, so libraries come too
    'Dir::Cache': join(apt, 'cache'),
    'APT::Sandbox::User': '', // the folder need not be one that apt's own user can write to
    'Debug::NoLocking': 'true',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  console.log(`setup: CRIU of Debian ${suite}, for tests`)
  run('apt-get', [...options, 'update', '-q'])
  run('apt-get', [...options, 'install', '-yq', '--no-install-recommends', '--download-only', 'criu'])
  const archives = join(apt, 'cache/archives')
  for (const name of readdirSync(archives).filter((file) => file.endsWith('.deb'))) {
    run('dpkg', ['--extract', join(archives, name), root])
  }
  rmSync(apt, { recursive: true })
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

/** Where this Debian gets its packages from. */
function mirror() {
  const lines = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' })
  return lines.split('\n').find((line) => line.endsWith('/debian/')) ?? lines.split('\n')[0]
}

function run(command, args) {
  execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
}
