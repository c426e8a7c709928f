import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from '@jest/globals'
import { bundle, temporaryFolder } from '@ctr/testing'
import { openLog, type LogOptions } from './log.js'

const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`

function logged(options: LogOptions, write: (log: ReturnType<typeof openLog>) => void): string[] {
  using folder = temporaryFolder()
  const file = join(folder.path, 'log')
  {
    using log = openLog({ ...options, file })
    write(log)
  }
  return readFileSync(file, 'utf8').trimEnd().split('\n')
}

describe('openLog()', () => {
  it('writes what engines parse', () => {
    const lines = logged({ format: 'json' }, (log) => {
      log.debug('not asked for')
      log.info('one')
      log.warn('two')
      log.error('a "quoted"\nline')
    }).map((line) => JSON.parse(line) as Record<string, string>)
    expect(lines).toEqual([
      { level: 'info', msg: 'one', time: expect.stringMatching(`^${time}$`) },
      { level: 'warning', msg: 'two', time: expect.stringMatching(`^${time}$`) },
      { level: 'error', msg: 'a "quoted"\nline', time: expect.stringMatching(`^${time}$`) },
    ])
  })

  it('writes text in which no message can begin a line of its own or steer a terminal', () => {
    const lines = logged({ debug: true }, (log) => {
      log.debug('plain')
      log.error('a "b" \\ é\n\u001b[2J\u009b\u202etime="x" level=info')
    })
    expect(lines).toEqual([
      expect.stringMatching(`^time="${time}" level=debug msg=plain$`),
      expect.stringMatching(`^time="${time}" level=error msg="a `),
    ])
    expect(lines[1]!.slice(lines[1]!.indexOf('msg='))).toBe(
      String.raw`msg="a \"b\" \\ é\n\u001b[2J\u009b\u202etime=\"x\" level=info"`,
    )
  })

  it('appends, and cuts what is too long', () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'log')
    writeFileSync(file, 'before\n')
    for (const message of ['first', 'x'.repeat(10 ** 6)]) {
      using log = openLog({ file, format: 'json' })
      log.error(message)
    }
    const [before, first, long] = readFileSync(file, 'utf8').split('\n')
    expect(before).toBe('before')
    expect(first).toContain('"msg":"first"')
    expect(long!.length).toBeLessThan(33 * 1024)
    expect(JSON.parse(long!)).toMatchObject({
      msg: expect.stringMatching(/x\.\.\. \(967232 more characters\)$/),
    })
  })

  it('is made for its owner to write and for all to read, close-on-exec, and can be closed twice', () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'log')
    const log = openLog({ file })
    chmodSync(file, statSync(file).mode | 0o4)
    expect(statSync(file).mode & 0o733).toBe(0o600)
    expect(execFileSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' })).not.toContain(file)
    log[Symbol.dispose]()
    log[Symbol.dispose]()
    log.error('too late')
    expect(readFileSync(file, 'utf8')).toBe('')
  })

  it('says what file it cannot open', () => {
    expect(() => openLog({ file: '/nonexistent/log' })).toThrow(
      'cannot open the log file /nonexistent/log: ENOENT',
    )
  })

  it('drops what cannot be written', () => {
    using log = openLog({ file: '/dev/full' })
    expect(() => {
      log.error('lost')
    }).not.toThrow()
  })

  it('has the last words of a command on standard error, once', () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'log')
    const source = fileURLToPath(new URL('./log.ts', import.meta.url))
    using program = bundle(`
      import { openLog } from ${JSON.stringify(source)}
      const [, , file] = process.argv
      const log = openLog({ file, debug: true })
      log.debug('detail')
      log.fatal('it is over')
    `)
    const run = (...args: string[]): string =>
      spawnSync(process.execPath, [program.path, ...args], { encoding: 'utf8' }).stderr
    expect(run(file)).toBe('it is over\n')
    expect(readFileSync(file, 'utf8')).toMatch(/level=debug msg=detail\n.* level=error msg="it is over"\n$/)
    expect(run()).toMatch(
      /^time="[^"]*" level=debug msg=detail\ntime="[^"]*" level=error msg="it is over"\n$/,
    )
  })
})
