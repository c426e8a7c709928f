import { describe, expect, it } from '@jest/globals'
import { commands } from './commands/index-of-commands.js'
import type { Options } from './options.js'
import { parseOptions } from './options.js'

const options = {
  bundle: { type: 'string', short: 'b', value: 'DIR', help: '' },
  detach: { type: 'boolean', short: 'd', help: '' },
  tty: { type: 'boolean', short: 't', help: '' },
  env: { type: 'list', short: 'e', value: 'X', help: '' },
} as const satisfies Options

describe('parseOptions()', () => {
  it.each<[readonly string[], object, readonly string[]]>([
    [['--bundle', '/b', 'id'], { bundle: '/b' }, ['id']],
    [['id', '--bundle', '/b'], { bundle: '/b' }, ['id']],
    [['id', '--bundle=/b', '--detach'], { bundle: '/b', detach: true }, ['id']],
    [['-b', '/b', '-d', 'id'], { bundle: '/b', detach: true }, ['id']],
    [['-b/b', 'id'], { bundle: '/b' }, ['id']],
    [['-b=/b', 'id'], { bundle: '/b' }, ['id']],
    [['-dt', 'id', 'x'], { detach: true, tty: true }, ['id', 'x']],
    [['-dtb', '/b'], { detach: true, tty: true, bundle: '/b' }, []],
    [['--detach=false', '--tty=1'], { detach: false, tty: true }, []],
    [['--bundle', '-1'], { bundle: '-1' }, []],
    [['--bundle', '--detach'], { bundle: '--detach' }, []],
    [['-bundle', '/b', 'id', '-detach'], { bundle: '/b', detach: true }, ['id']],
    [['-bundle=/b', '-env=A=1', '-tty=false'], { bundle: '/b', env: ['A=1'], tty: false }, []],
    [['-b', '-detach', '--bundle', '-tty'], { bundle: '-tty' }, []],
    [['-dtb', '-tty', '--', '-detach'], { detach: true, tty: true, bundle: '-tty' }, ['-detach']],
    [['--bundle=', 'id'], {}, ['id']],
    [['--bundle', ''], {}, []],
    [['--bundle', 'a', '--bundle', 'b'], { bundle: 'b' }, []],
    [['-e', 'A=1', '--env=B=2', '-eC=3'], { env: ['A=1', 'B=2', 'C=3'] }, []],
    [['--', '--detach', '-x'], {}, ['--detach', '-x']],
    [['id', '--', '-d'], {}, ['id', '-d']],
    [['-', ''], {}, ['-', '']],
    [[], {}, []],
  ])('reads %j', (argv, values, positionals) => {
    const parsed = parseOptions(options, argv)
    expect({ ...parsed.values }).toEqual(values)
    expect(parsed.positionals).toEqual(positionals)
  })

  it.each<[readonly string[], object, readonly string[]]>([
    [['-t', 'id', 'ls', '-d', '--bundle', 'x'], { tty: true }, ['id', 'ls', '-d', '--bundle', 'x']],
    [['id', '--detach'], {}, ['id', '--detach']],
    [['-tty', 'id', '-detach'], { tty: true }, ['id', '-detach']],
    [['-b', 'x', '--', 'id', '-t'], { bundle: 'x' }, ['id', '-t']],
    [['id', '--', 'ls'], {}, ['id', '--', 'ls']],
    [['-d', 'id', '--unknown', '-tzq'], { detach: true }, ['id', '--unknown', '-tzq']],
  ])('stops at the first argument of %j', (argv, values, positionals) => {
    const parsed = parseOptions(options, argv, { rest: true })
    expect({ ...parsed.values }).toEqual(values)
    expect(parsed.positionals).toEqual(positionals)
  })

  it.each([
    [['--nosuch'], 'unknown option --nosuch'],
    [['-x'], 'unknown option -x'],
    [['id', '-9'], 'unknown option -9'],
    [['--__proto__=1'], 'unknown option --__proto__'],
    [['--constructor', 'x'], 'unknown option --constructor'],
    [['--hasOwnProperty'], 'unknown option --hasOwnProperty'],
    [['--bundle'], 'option --bundle needs a value'],
    [['-b'], 'option -b needs a value'],
    [['-db'], 'option -b needs a value'],
    [['--detach=maybe'], 'option --detach is either given or not, got --detach=maybe'],
  ])('refuses %j', (argv, message) => {
    expect(() => parseOptions(options, argv)).toThrow(
      expect.objectContaining({ code: 'ERR_RUNTIME_INVALID_ARG', message }),
    )
  })

  it('leaves prototypes alone', () => {
    const { values } = parseOptions(options, ['-e', '__proto__=1'])
    expect(values.env).toEqual(['__proto__=1'])
    expect(({} as Record<string, unknown>)['1']).toBeUndefined()
    expect(Object.getPrototypeOf(values)).toBeNull()
  })

  it('holds a megabyte of arguments', () => {
    const argv = Array.from({ length: 20_000 }, (_, n) => `--env=N${n}=${'x'.repeat(40)}`)
    expect(parseOptions(options, argv).values.env).toHaveLength(20_000)
  })
})

describe('options of commands', () => {
  it.each(commands.map(({ name, load }) => [name, load] as const))(
    '%s takes each of its options before and behind the container',
    async (_name, load) => {
      const { options: own, rest } = await load()
      for (const [name, { type, short }] of Object.entries(own)) {
        for (const flag of [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]) {
          const words = type === 'boolean' ? [flag] : [flag, '7']
          const value = type === 'boolean' ? true : type === 'list' ? ['7'] : '7'
          expect(parseOptions(own, [...words, 'id']).values[name]).toEqual(value)
          if (rest !== true) expect(parseOptions(own, ['id', ...words]).values[name]).toEqual(value)
          expect(parseOptions(own, ['id', ...words], { rest: true }).positionals).toEqual(['id', ...words])
        }
      }
    },
  )
})
