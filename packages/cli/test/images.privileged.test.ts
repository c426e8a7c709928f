import { readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, jest } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { needs, setUp } from './suite.js'

jest.setTimeout(120_000)
leakCheck()

describeOn(needs, 'ctrjs images verify and prune, system prune', () => {
  const suite = setUp()
  const blobs = (): string => join(suite.folder, 'own/root/images/blobs/sha256')

  it('verify what is stored, and mend what is damaged', async () => {
    expect(await suite.ctrjs.run('images', 'verify')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Checked 1 images, 3 blobs of .*, 1 layers: all is well\n$/),
    })
    for (const name of readdirSync(blobs())) {
      const path = join(blobs(), name)
      const bytes = readFileSync(path)
      if (bytes.length < 10_000) continue // the layer alone
      bytes[5000]! ^= 1
      writeFileSync(path, bytes)
    }
    const found = await suite.ctrjs.run('images', 'verify', '--repair')
    expect(found).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^blob: blob sha256:.* is damaged.*; pull .* again/),
    })
    const { stdout } = await suite.ctrjs.run('images', 'verify', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ problems: [{ kind: 'blob', images: [suite.image] }] })
    expect(await suite.ctrjs.run('pull', '-q', suite.image)).toMatchObject({ code: 0 })
    expect(await suite.ctrjs.run('images', 'verify')).toMatchObject({ code: 0 })
  })

  it('prune what nobody uses, and say what was reclaimed', async () => {
    const path = join(blobs(), 'a'.repeat(64))
    writeFileSync(path, 'left behind')
    utimesSync(path, 1, 1)
    expect(await suite.ctrjs.run('images', 'prune', '--force')).toEqual({
      code: 0,
      stdout: `Deleted Images:\ndeleted: sha256:${'a'.repeat(64)}\n\nTotal reclaimed space: 11B\n`,
      stderr: '',
    })
    await suite.ctrjs.run('run', '--name', 'gone', '--network', 'none', suite.image, 'true')
    expect(await suite.ctrjs.feed('n\n', 'system', 'prune')).toMatchObject({ code: 1 })
    const pruned = await suite.ctrjs.run('system', 'prune', '--force', '--all')
    expect(pruned.stdout).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Images:\nuntagged: .*\n(deleted: sha256:[0-9a-f]{64}\n)+\nTotal reclaimed space: .*B\n$/s,
    )
    expect(await suite.ctrjs.run('images', '-q')).toMatchObject({ stdout: '' })
    expect(readdirSync(blobs())).toEqual([])
  })
})
