import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** What a command did. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** The built program, with folders of its own. */
export class Ctrjs {
  readonly #globals: readonly string[]
  readonly #env: NodeJS.ProcessEnv

  /**
   * @param state - A folder for it.
   * @param env - Added to the environment of commands.
   */
  constructor(state: string, env: NodeJS.ProcessEnv = {}) {
    this.#globals = ['--root', join(state, 'root'), '--state', join(state, 'state')]
    this.#env = { ...process.env, NODE_OPTIONS: '', XDG_CACHE_HOME: join(state, 'cache'), ...env }
  }

  /** The command line of a command, for programs that start it. */
  line(...args: string[]): readonly [string, ...string[]] {
    return [process.execPath, join(process.env['CTR_TEST_CLI']!, 'bin.cjs'), ...this.#globals, ...args]
  }

  /** Environment of commands. */
  get env(): NodeJS.ProcessEnv {
    return this.#env
  }

  /** Starts a command. */
  start(...args: string[]): ChildProcessWithoutNullStreams {
    const [program, ...rest] = this.line(...args)
    return spawn(program, rest, { env: this.#env })
  }

  /** Runs a command to its end. */
  async run(...args: string[]): Promise<Ended> {
    return await this.feed('', ...args)
  }

  /** Runs a command to its end, with input. */
  async feed(input: string | Uint8Array, ...args: string[]): Promise<Ended> {
    const child = this.start(...args)
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    return await ended(child)
  }
}

/** Collects what a command prints until it has ended. */
export async function ended(child: ChildProcessWithoutNullStreams): Promise<Ended> {
  const closed = once(child, 'close') as Promise<[number | null]>
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), closed])
  return { code, stdout, stderr }
}
