import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** The end of what a program has complained, enough for a message. */
const complaintLength = 2000

/**
 * A shell that stays, and times commands with its own clock: what it costs to reach it (a namespace to enter,
 * a process to start) is not part of a figure.
 */
export class TimingShell implements Disposable {
  readonly #shell: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #lines: Interface
  readonly #answers: AsyncIterator<string>
  #complaints = ''

  /** @param prefix - Command that runs another one where the shell shall be; empty for here. */
  constructor(prefix: readonly string[] = []) {
    const [program, ...args] = [...prefix, 'bash', '--noprofile', '--norc']
    // a session of its own: Ctrl-C ends the shell only through us, when everything is cleaned up
    this.#shell = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, LC_ALL: 'C' },
    })
    this.#shell.on('error', () => undefined) // the next line that is missing tells
    this.#shell.stdin.on('error', () => undefined)
    this.#shell.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints = (this.#complaints + text).slice(-complaintLength)
    })
    this.#lines = createInterface({ input: this.#shell.stdout })
    this.#answers = this.#lines[Symbol.asyncIterator]()
  }

  /**
   * Runs a command that often, one after the other, its input and output `/dev/null`.
   *
   * @param command - In the shell's words; `$i` is the number of the iteration.
   * @returns Milliseconds of each.
   * @throws When it exits with anything but 0: with what it has written to its standard error.
   */
  async time(command: string, iterations: number): Promise<readonly number[]> {
    this.#complaints = ''
    this.#shell.stdin.write(
      `for ((i = 0; i < ${iterations}; i++)); do b=$EPOCHREALTIME; ${command} </dev/null >/dev/null; ` +
        'c=$?; e=$EPOCHREALTIME; echo "$c $b $e"; done\n',
    )
    const times: number[] = []
    let failed: string | undefined
    for (let n = 0; n < iterations; n++) {
      const answer = await this.#answers.next()
      if (answer.done === true)
        throw new Error(`cannot time ${command}: the shell has ended${this.#complaint}`)
      const [code = '', began, ended] = answer.value.split(' ')
      if (code !== '0') failed ??= code
      times.push((Number(ended) - Number(began)) * 1000)
    }
    if (failed !== undefined) throw new Error(`cannot time ${command}: exit code ${failed}${this.#complaint}`)
    return times
  }

  /** Its process id, by which what it sees of the file system can be reached: `/proc/PID/root`. */
  async pid(): Promise<number> {
    this.#shell.stdin.write('echo $$\n')
    return Number((await this.#answers.next()).value)
  }

  get #complaint(): string {
    return this.#complaints === '' ? '' : `: ${this.#complaints.trim()}`
  }

  /** Ends the shell. */
  [Symbol.dispose](): void {
    this.#shell.stdin.end()
    this.#shell.kill()
    this.#lines.close()
    this.#shell.stdout.destroy()
    this.#shell.stderr.destroy() // whoever still holds the other side shall not hold us
    this.#shell.unref()
  }
}

/** A word that a shell takes as it is. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
