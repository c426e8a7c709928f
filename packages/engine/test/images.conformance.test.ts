import { expect, it } from '@jest/globals'
import { describeOn, leakCheck } from '@ctr/testing'
import { image, needs, setUp } from './support/suite.js'

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

  it('refuse a malformed pattern', async () => {
    const { code, stderr } = await suite.docker('images', '--filter', 'reference=bb[')
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: 'Error response from daemon: cannot read pattern "bb[": it ends too early\n',
    })
  })
})
