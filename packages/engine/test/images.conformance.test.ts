import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'
import { archiveOfTwo } from './support/two-platforms.js'

leakCheck()

describeOn(needs, 'images of Engine', () => {
  const suite = setUp()

  it.each([
    ['bb', ['bb:1', 'bb:12']],
    ['bb:?', ['bb:1']],
    ['*:[^2-9]', ['bb:1']],
    ['b[a-c]:*', ['bb:1', 'bb:12']],
    ['*', ['bb:1', 'bb:12']],
    ['*/*', ['team/bb:1']],
    ['h.example/*', []],
    ['h.example/*/*', ['h.example/team/bb:2']],
    ['b\\b', ['bb:1', 'bb:12']],
  ])('are listed by patterns of references: %s', async (pattern, names) => {
    for (const name of ['bb:12', 'team/bb:1', 'h.example/team/bb:2']) await suite.ok('tag', image, name)
    const listed = await suite.ok(
      ...['images', '--format', '{{.Repository}}:{{.Tag}}', '--filter', `reference=${pattern}`],
    )
    expect(listed.split('\n').sort()).toEqual(names.length === 0 ? [''] : names)
  })

  it('are loaded and removed for one platform alone', async () => {
    const name = 'docker.io/library/two:1'
    const archive = await archiveOfTwo(name, suite.folder)
    const architectures = async (): Promise<readonly string[]> => {
      const found = []
      for (const architecture of ['amd64', 'arm64']) {
        const asked = ['image', 'inspect', '--platform', `linux/${architecture}`, '-f', '{{.Architecture}}']
        const { stdout } = await suite.docker(...asked, name)
        found.push(...stdout.split('\n').filter((line) => line !== ''))
      }
      return found
    }
    expect(await suite.ok('load', '--platform', 'linux/arm64', '-i', archive)).toContain('two:1')
    expect(await architectures()).toEqual(['arm64'])
    await suite.ok('rmi', name)
    const missing = await suite.docker('load', '--platform', 'linux/s390x', '-i', archive)
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('the archive has none') })
    await suite.ok('load', '-i', archive)
    expect(await architectures()).toEqual(['amd64', 'arm64'])
    expect((await suite.docker('rmi', '--platform', 'linux/s390x', name)).code).toBe(1)
    const removed = await suite.ok('image', 'rm', '--platform', 'linux/arm64', name)
    expect(removed).toMatch(/^(Deleted: sha256:[0-9a-f]{64}\n?){4}$/)
    expect(await architectures()).toEqual(['amd64'])
    expect(await suite.ok('image', 'rm', '--platform', 'linux/amd64', name)).toMatch(/^Untagged: two:1\n/)
    expect((await suite.docker('image', 'inspect', name)).code).toBe(1)
  })

  it('refuse a malformed pattern', async () => {
    const { code, stderr } = await suite.docker('images', '--filter', 'reference=bb[')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'Error response from daemon: cannot read pattern "bb[": it ends too early\n',
    })
  })
})
