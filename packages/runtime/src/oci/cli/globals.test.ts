import { describe, expect, it } from '@jest/globals'
import { globalOptions, readGlobals } from './globals.js'
import { parseOptions } from './options.js'
import { programName } from './program-name.js'

const read = (...argv: readonly string[]): ReturnType<typeof readGlobals> =>
  readGlobals(parseOptions(globalOptions, argv, { rest: true }).values)

describe('readGlobals()', () => {
  it('has defaults', () => {
    expect(read('state', '--root', 'x')).toEqual({
      root: undefined,
      logFile: undefined,
      logFormat: 'text',
      debug: false,
      cgroupManager: 'cgroupfs',
      rootless: 'auto',
    })
  })

  it('reads what engines give', () => {
    expect(
      read(
        '--root',
        '/run/x',
        '--log',
        '/l.json',
        '--log-format',
        'json',
        '--systemd-cgroup',
        'create',
        '--bundle',
        'b',
      ),
    ).toMatchObject({ root: '/run/x', logFile: '/l.json', logFormat: 'json', cgroupManager: 'systemd' })
    expect(
      read('--log-format=json', '--cgroup-manager', 'disabled', '--debug', '--rootless=TRUE'),
    ).toMatchObject({
      logFormat: 'json',
      cgroupManager: 'disabled',
      debug: true,
      rootless: true,
    })
    expect(read('--root', 'a/../b', '--criu', '/x', '--log-level', 'debug')).toMatchObject({
      root: `${process.cwd()}/b`,
      debug: true,
    })
  })

  it.each([
    [['--root', '/'], 'option --root cannot be /: state needs a folder of its own'],
    [['--root', '../../../../../../../../../../../../..'], 'option --root cannot be /'],
    [['--log-format', 'xml'], 'invalid log-format: xml is none of text, json'],
    [['--cgroup-manager', 'none'], 'invalid cgroup-manager: none is none of cgroupfs, systemd, disabled'],
    [['--rootless', 'maybe'], 'invalid rootless: maybe'],
  ])('refuses %j', (argv, message) => {
    expect(() => read(...argv)).toThrow(message)
  })
})

describe('programName()', () => {
  it.each([
    ['/usr/local/bin/ctr-runtime', 'ctr-runtime'],
    ['/x/runc', 'runc'],
    ['/x/dist/bin.cjs', 'ctr-runtime'],
    ['/x/a\u001b[31m', 'ctr-runtime'],
    [undefined, 'ctr-runtime'],
  ])('of %j is %s', (script, name) => {
    expect(programName(script)).toBe(name)
  })
})
