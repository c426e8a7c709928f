import type { ImageProgress } from '@ctr/registry'
import { formatBytes, formatTime, type Report } from './report.js'

/** Shows a pull or push: a bar while it goes on, and afterwards how much came how fast. */
export class PullProgress {
  readonly #report: Report
  readonly #began = performance.now()
  readonly #transferred = new Map<string, number>()
  #total = 0

  constructor(report: Report) {
    this.#report = report
  }

  /** Takes the events of the pull. */
  see(event: ImageProgress): void {
    if (event.kind === 'manifest') {
      this.#total = event.blobs.reduce((sum, { size }) => sum + size, 0)
    } else {
      this.#transferred.set(event.digest, event.transferred)
      this.#report.progress(this.#bytes, this.#total)
    }
  }

  /** What was transferred. */
  get summary(): string {
    const ms = performance.now() - this.#began
    const speed = formatBytes((this.#bytes * 1000) / ms)
    return `${formatBytes(this.#bytes)} in ${this.#transferred.size} blobs, ${formatTime(ms)}, ${speed} a second`
  }

  get #bytes(): number {
    return [...this.#transferred.values()].reduce((sum, bytes) => sum + bytes, 0)
  }
}
