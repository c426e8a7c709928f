import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** What a command did. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

interface StartOptions {
  readonly cwd?: string
  readonly input?: string
  readonly env?: NodeJS.ProcessEnv
}

/** The built executable, with state and cache folders of its own. */
export class CtrRuntime {
  readonly #dist: string
  readonly #state: string
  readonly env: NodeJS.ProcessEnv

  /**
   * @param state - A folder for it.
   * @param options - `built`: takes what was built before, where no build was made for the tests.
   */
  constructor(state: string, { built = false }: { readonly built?: boolean } = {}) {
    this.#state = state
    this.#dist = built ? join(folder, 'dist') : process.env['CTR_TEST_RUNTIME']!
    this.env = { ...process.env, NODE_OPTIONS: '', XDG_CACHE_HOME: join(state, 'cache') }
  }

  /** Path of the executable. */
  get path(): string {
    return join(this.#dist, 'bin.cjs')
  }

  /** The command line of a command. */
  line(...args: readonly string[]): readonly [string, ...string[]] {
    return [this.path, '--root', join(this.#state, 'root'), ...args]
  }

  /** Starts a command on pipes. */
  start(...args: readonly string[]): ChildProcess {
    const [program, ...rest] = this.line(...args)
    return spawn(program, rest, { env: this.env })
  }

  /** Runs a command to its end. */
  run(...args: readonly string[]): Ended {
    return this.runWith({}, ...args)
  }

  /** The same in a folder, with input or another environment. */
  runWith({ cwd, input = '', env = this.env }: StartOptions, ...args: readonly string[]): Ended {
    const [program, ...rest] = this.line(...args)
    // nothing that stays in the background may keep us waiting for its streams
    const out = join(this.#state, 'stdout')
    const err = join(this.#state, 'stderr')
    const { status } = spawnSync('sh', ['-c', 'exec "$@" >"$OUT" 2>"$ERR"', 'sh', program, ...rest], {
      cwd,
      input,
      env: { ...env, OUT: out, ERR: err },
      timeout: 30_000,
    })
    return { code: status, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') }
  }

  /** Makes a bundle of Debian's static busybox that runs a command. */
  bundle(
    name: string,
    args: readonly string[],
    { terminal = false }: { readonly terminal?: boolean } = {},
  ): string {
    const path = join(this.#state, name)
    const bin = join(path, 'rootfs/bin')
    for (const made of ['bin', 'proc', 'sys', 'dev', 'tmp'])
      mkdirSync(join(path, 'rootfs', made), { recursive: true })
    cpSync(
      execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim(),
      join(bin, 'busybox'),
    )
    for (const applet of ['sh', 'cat', 'echo', 'env', 'id', 'sleep', 'stty', 'true', 'tty']) {
      symlinkSync('busybox', join(bin, applet))
    }
    this.run('spec', '--bundle', path)
    const file = join(path, 'config.json')
    const config = JSON.parse(readFileSync(file, 'utf8')) as { process: Record<string, unknown> }
    const { rlimits: _, ...rest } = config.process
    writeFileSync(file, JSON.stringify({ ...config, process: { ...rest, args, terminal } }))
    return path
  }
}
