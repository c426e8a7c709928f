import { readdirSync, statSync } from 'node:fs'
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

  it('write and read folders that are OCI layouts', async () => {
    const layout = join(suite.folder, 'layout')
    const save = ['save', '--format', 'oci-dir']
    expect(await suite.ctrjs.run(...save, '-o', layout, suite.image)).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(readdirSync(layout).sort()).toEqual(['blobs', 'index.json', 'oci-layout'])
    await suite.ctrjs.run('rmi', suite.image)
    expect(await suite.ctrjs.run('load', '-i', layout)).toEqual({
      code: 0,
      stdout: `Loaded image: ${suite.image}\n`,
      stderr: '',
    })
    expect(await suite.ctrjs.run(...save, '-o', layout, suite.image)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('it is there already'),
    })
    expect(await suite.ctrjs.run(...save, suite.image)).toMatchObject({ code: 125 })
    expect(await suite.ctrjs.run('save', '--format', 'zip', suite.image)).toMatchObject({ code: 125 })
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
