import { statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(60_000)
leakCheck()

describeOn(needs, 'ctrjs save and load', () => {
  const suite = setUp()

  it('bring an image back that was removed, and it runs', async () => {
    const archive = join(suite.folder, 'image.tar')
    expect(await suite.ctrjs.run('save', '-o', archive, suite.image)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(statSync(archive).mode & 0o777).toBe(0o600)
    expect(await suite.ctrjs.run('rmi', suite.image)).toMatchObject({ code: 0 })
    expect(await suite.ctrjs.run('load', '-i', archive)).toEqual({
      code: 0,
      stdout: `Loaded image: ${suite.image}\n`,
      stderr: '',
    })
    const args = ['run', '--rm', '--network', 'none', suite.image, 'cat', '/etc/motd']
    expect(await suite.ctrjs.run(...args)).toEqual({ code: 0, stdout: 'hello\n', stderr: '' })
  })

  it('say what cannot be', async () => {
    expect(await suite.ctrjs.run('save', 'no/such')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('pull it first'),
    })
    expect(await suite.ctrjs.feed('rubbish', 'load')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('cannot load the archive'),
    })
    expect(await suite.ctrjs.run('load', '-i', '/no/such')).toMatchObject({ code: 1 })
  })
})
