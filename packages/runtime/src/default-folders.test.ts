import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { userState } from './default-folders.js'

describe('userState()', () => {
  const { XDG_RUNTIME_DIR, XDG_STATE_HOME } = process.env
  const elsewhere = new RegExp(`^(/run/user/${String(process.geteuid!())}|${homedir()}/\\.local/state)$`)
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ctr-test-'))
    delete process.env['XDG_STATE_HOME']
  })
  afterEach(() => {
    rmSync(folder, { recursive: true })
    for (const [name, value] of Object.entries({ XDG_RUNTIME_DIR, XDG_STATE_HOME })) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
  })

  function given(path: string): string {
    process.env['XDG_RUNTIME_DIR'] = path
    return userState()
  }

  it("is the user's runtime folder", () => {
    expect(given(folder)).toBe(folder)
  })

  it('is no folder that others can write to, no link, and none that is missing', () => {
    chmodSync(folder, 0o777)
    expect(given(folder)).toMatch(elsewhere)
    mkdirSync(join(folder, 'own'), { mode: 0o700 })
    symlinkSync('own', join(folder, 'link'))
    expect(given(join(folder, 'link'))).toMatch(elsewhere)
    expect(given(join(folder, 'missing'))).toMatch(elsewhere)
    expect(given('relative')).toMatch(elsewhere)
  })
})
