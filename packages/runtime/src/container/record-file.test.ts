import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { addState, newestState, syncState, writeState } from './record-file.js'

describe('states in a file', () => {
  let folder: string
  let file: string
  const newest = (): unknown => newestState(readFileSync(file, 'utf8'))
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctr-states-'))
    file = join(folder, 'state.json')
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
  })

  it('gives the one that was added last', () => {
    writeState(file, { n: 1 })
    expect(newest()).toEqual({ n: 1 })
    expect(addState(file, { n: 2 })).toBe(true)
    expect(addState(file, { n: 3 })).toBe(true)
    expect(newest()).toEqual({ n: 3 })
  })

  it('reads, and adds to, a file without lines, as it was written before', () => {
    writeFileSync(file, '{"n":1}')
    expect(newest()).toEqual({ n: 1 })
    addState(file, { n: 2 })
    expect(newest()).toEqual({ n: 2 })
  })

  it('passes over one that was cut off, and is not stopped by it', () => {
    writeState(file, { n: 1 })
    appendFileSync(file, '\n{"n":')
    expect(newest()).toEqual({ n: 1 })
    addState(file, { n: 3 })
    expect(newest()).toEqual({ n: 3 })
  })

  it('says so when there is none', () => {
    expect(() => newestState('')).toThrow(SyntaxError)
    expect(() => newestState('{"n":')).toThrow(SyntaxError)
  })

  it('adds nothing to a file that is not there, or has grown long', async () => {
    expect(addState(file, { n: 1 })).toBe(false)
    await syncState(file)
    writeState(file, { text: 'x'.repeat(70_000) })
    expect(addState(file, { n: 2 })).toBe(false)
    writeState(file, { n: 2 })
    expect(statSync(file).size).toBeLessThan(100)
    await syncState(file)
  })
})
