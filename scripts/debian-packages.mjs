// Packages of any Debian suite, unpacked into a folder. Nothing of the host changes. Needs apt, and no privileges.
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Opens a suite of Debian's archive for as long as `use` runs.
 *
 * @param {string} suite - For example `trixie`.
 * @param {(debian: Suite) => void} use
 */
export function withDebian(suite, use) {
  const apt = mkdtempSync(join(tmpdir(), 'ctr-apt-'))
  try {
    use(new Suite(suite, apt))
  } finally {
    rmSync(apt, { recursive: true })
  }
}

class Suite {
  #options
  #archives

  constructor(suite, apt) {
    this.#archives = join(apt, 'cache/archives')
    for (const path of ['lists/partial', 'cache/archives/partial']) {
      mkdirSync(join(apt, path), { recursive: true })
    }
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
    this.#options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
    run('apt-get', [...this.#options, 'update', '-q'])
  }

  /** What a package depends on directly. */
  dependencies(name) {
    const text = execFileSync('apt-cache', [...this.#options, 'depends', name], { encoding: 'utf8' })
    return [...text.matchAll(/^ {2}Depends: (\S+)$/gm)].map(([, dependency]) => dependency)
  }

  /** Unpacks packages into a folder, with all that they depend on unless told otherwise. */
  unpack(names, into, { alone = false } = {}) {
    mkdirSync(into, { recursive: true })
    if (alone) run('apt-get', [...this.#options, 'download', '-q', ...names], this.#archives)
    else {
      const how = ['install', '-yq', '--no-install-recommends', '--download-only']
      run('apt-get', [...this.#options, ...how, ...names])
    }
    for (const file of readdirSync(this.#archives).filter((name) => name.endsWith('.deb'))) {
      run('dpkg', ['--extract', join(this.#archives, file), into])
      rmSync(join(this.#archives, file))
    }
  }
}

/** Where this Debian gets its packages from. */
function mirror() {
  const lines = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' })
  return lines.split('\n').find((line) => line.endsWith('/debian/')) ?? lines.split('\n')[0]
}

function run(command, args, cwd) {
  execFileSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd })
}
