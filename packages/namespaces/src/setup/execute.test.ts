import { describe, expect, it } from '@jest/globals'
import { explain, Program } from '@ctr/linux'
import { execute, places } from './execute.js'

describe('places()', () => {
  it('takes a name with a slash as it is', () => {
    expect(places('/bin/sh', '/usr/bin')).toEqual(['/bin/sh'])
    expect(places('./tool', '/usr/bin')).toEqual(['./tool'])
  })

  it('looks into each folder of PATH, in order', () => {
    expect(places('sh', '/opt/bin:/bin')).toEqual(['/opt/bin/sh', '/bin/sh'])
  })

  it('takes an empty part of PATH as the working directory, as execvp(3)', () => {
    expect(places('sh', ':/bin:')).toEqual(['./sh', '/bin/sh', './sh'])
  })

  it('has a PATH of its own where there is none', () => {
    expect(places('sh')).toContain('/usr/local/bin/sh')
    expect(places('sh').at(-1)).toBe('/bin/sh')
  })

  it('does not search for an empty name', () => {
    expect(places('', '/bin')).toEqual([''])
  })
})

describe('execute()', () => {
  it('goes on to the next place but not after the last', () => {
    const program = new Program()
    const entries = execute(program, { argv: ['sh', '-c', 'true'], env: { PATH: '/opt/bin:/bin', A: '1' } })
    expect(entries).toHaveLength(2)
    expect(explain(program).trimEnd().split('\n')).toEqual([
      '# execute "sh"',
      'execve("/opt/bin/sh", ["sh", "-c", "true", NULL], [2 variables])  # may fail with ENOENT, ENOTDIR, EACCES, ENAMETOOLONG',
      'execve("/bin/sh", ["sh", "-c", "true", NULL], [2 variables])',
    ])
  })
})
