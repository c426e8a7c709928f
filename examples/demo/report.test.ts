import { describe, expect, it } from '@jest/globals'
import { explainError, formatBytes, formatTime, Report } from './report.js'

function recorded(isTTY: boolean): { readonly stream: NodeJS.WriteStream; text(): string } {
  let written = ''
  const stream = {
    isTTY,
    hasColors: () => isTTY,
    write(text: string) {
      written += text
      return true
    },
  }
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => written }
}

describe('Report', () => {
  it('is plain text in a pipe', async () => {
    const output = recorded(false)
    const report = new Report(output.stream)
    await report.phase('Do it', async () => {
      report.progress(1, 2)
      report.table(['', 'host'], [['processes', '7']])
      await Promise.resolve()
    })
    expect(output.text().replace(/[\d.]+ ms/, 'N ms')).toBe(
      '\n 1 Do it\n              host\n   ─────────  ────\n   processes  7\n   done in N ms\n',
    )
  })

  it('shows colours and progress on a terminal, and says when a phase failed', async () => {
    const output = recorded(true)
    const report = new Report(output.stream)
    const failing = report.phase('Do it', async () => {
      report.progress(1, 2)
      await Promise.resolve()
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(output.text()).toContain('███████████████░░░░░░░░░░░░░░░ 1 B of 2 B')
    expect(output.text()).toContain('failed after')
  })
})

describe('formatTime() and formatBytes()', () => {
  it('choose the unit', () => {
    expect([4.21, 42.1, 4210].map((ms) => formatTime(ms))).toEqual(['4.2 ms', '42 ms', '4.2 s'])
    expect([512, 4096, 3 * 2 ** 30].map((bytes) => formatBytes(bytes))).toEqual([
      '512 B',
      '4.0 KiB',
      '3.0 GiB',
    ])
  })
})

describe('explainError()', () => {
  it('tells each cause that says something new', () => {
    const inner = new Error('EPERM')
    const middle = new Error('cannot mount: EPERM', { cause: inner })
    expect(explainError(new Error('cannot start', { cause: middle }))).toBe(
      'cannot start\n  because: cannot mount: EPERM',
    )
  })
})
