import { inspect, styleText } from 'node:util'

/** What `styleText` is used with here. */
type Style = 'bold' | 'dim' | 'green' | 'red' | 'cyan'

/** Prints phases with their times: with colours and live progress on a terminal, plain in a pipe. */
export class Report {
  readonly #output: NodeJS.WriteStream
  readonly #began = performance.now()
  #phases = 0
  #progressAt = -Infinity

  constructor(output: NodeJS.WriteStream = process.stdout) {
    this.#output = output
  }

  /** How many phases there were. */
  get phases(): number {
    return this.#phases
  }

  /** Time since the beginning, readable. */
  get elapsed(): string {
    return formatTime(performance.now() - this.#began)
  }

  /** Does a piece of work under a heading and prints how long it took, also when it fails. */
  async phase<T>(title: string, work: () => Promise<T>): Promise<T> {
    this.#phases++
    this.line(`\n${this.style('cyan', String(this.#phases).padStart(2))} ${this.style('bold', title)}`)
    const began = performance.now()
    try {
      const result = await work()
      this.detail(this.style('green', `done in ${formatTime(performance.now() - began)}`))
      return result
    } catch (error) {
      this.detail(this.style('red', `failed after ${formatTime(performance.now() - began)}`))
      throw error
    }
  }

  /** Prints a line. */
  line(text: string): void {
    this.#output.write(`${text}\n`)
  }

  /** Prints a line that belongs to the phase. */
  detail(text: string): void {
    this.clearProgress()
    this.line(`   ${text}`)
  }

  /** Shows how far something is, on a terminal; the next line takes its place. */
  progress(done: number, total: number): void {
    if (!this.#output.isTTY || performance.now() - this.#progressAt < 40) return
    this.#progressAt = performance.now()
    const filled = total === 0 ? 30 : Math.floor((30 * done) / total)
    const bar = `${'█'.repeat(filled)}${'░'.repeat(30 - filled)}`
    this.#output.write(`\r   ${bar} ${formatBytes(done)} of ${formatBytes(total)}\x1b[K`)
  }

  /** Takes the progress away. */
  clearProgress(): void {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K')
  }

  /** Prints rows in columns, as wide as their longest cells. */
  table(head: readonly string[], rows: readonly (readonly string[])[]): void {
    const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]!.length)))
    const text = (row: readonly string[]): string =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()
    this.detail(this.style('bold', text(head)))
    this.detail(this.style('dim', widths.map((width) => '─'.repeat(width)).join('  ')))
    for (const row of rows) this.detail(text(row))
  }

  /** Colours a text, where the output shows colours (`NO_COLOR` and `TERM=dumb` turn them off). */
  style(style: Style, text: string): string {
    return this.#output.isTTY && this.#output.hasColors() ? styleText(style, text) : text
  }
}

/** Milliseconds, readable: `4.2 ms`, `420 ms`, `4.2 s`. */
export function formatTime(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)} ms`
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`
}

/** Bytes in binary units: `512 B`, `4.0 KiB`, `96.1 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let [value, unit] = [bytes, 0]
  while (value >= 1024 && unit < units.length - 1) [value, unit] = [value / 1024, unit + 1]
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]!}`
}

/** An error with its causes, one a line. */
export function explainError(error: unknown): string {
  const lines: string[] = []
  for (
    let at = error;
    at !== undefined && lines.length < 8;
    at = at instanceof Error ? at.cause : undefined
  ) {
    const message = at instanceof Error ? at.message : inspect(at)
    if (!lines.some((line) => line.includes(message))) lines.push(message)
  }
  return lines.join('\n  because: ')
}
