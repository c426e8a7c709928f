import { writeFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { temporaryFolder } from '@ctr/testing'
import { parseEnv, parseEnvFile, readEnvironment } from './parse-env.js'

describe('parseEnv()', () => {
  it('takes values as they are, and those of the host for names alone', () => {
    expect(parseEnv(['A=1', 'B=x=y', 'C=', 'D', 'E'], { D: 'here' })).toEqual({
      A: '1',
      B: 'x=y',
      C: '',
      D: 'here',
    })
  })

  it('lets the last one win, and refuses a variable without a name', () => {
    expect(parseEnv(['A=1', 'A=2'], {})).toEqual({ A: '2' })
    expect(() => parseEnv(['=x'], {})).toThrow('invalid environment variable: =x')
  })
})

describe('parseEnvFile()', () => {
  it('skips comments and empty lines, and keeps quotes and blanks of values', () => {
    const text = '\uFEFF# comment\n\nA=1\r\n  B="two words" \nC\n'
    expect(parseEnvFile(text, 'file')).toEqual(['A=1', 'B="two words" ', 'C'])
  })

  it('names the line of a name that cannot be', () => {
    expect(() => parseEnvFile('A=1\nno good=2\n', 'file')).toThrow('file, line 2')
  })
})

describe('readEnvironment()', () => {
  it('reads files first, then the command line', () => {
    using folder = temporaryFolder()
    const path = `${folder.path}/env`
    writeFileSync(path, 'A=file\nB=file\n')
    expect(readEnvironment([path], ['A=line'], {})).toEqual({ A: 'line', B: 'file' })
  })

  it('says which file is missing', () => {
    expect(() => readEnvironment(['/nonexistent/env'], [])).toThrow(
      /cannot read the environment file: .*\/nonexistent\/env/,
    )
  })
})
