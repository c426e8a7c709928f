import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck } from '@ctr/testing'
import { ownHost } from './support/cni.js'

leakCheck()

/** The first example of a chapter of the README, as a program. */
function exampleOf(chapter: string): string {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const text = readme.slice(readme.indexOf(`\n## ${chapter}\n`))
  return /```ts\n(.*?)```/s.exec(text)![1]!
}

describeOn(['root'], 'README, on CNI', () => {
  it('has an example of a caller that runs as it stands', () => {
    using _host = ownHost()
    using program = bundle(exampleOf('Plugins of CNI'))
    const folder = '/run/netbridge-cni-demo' // where host-local notes which address it gave last
    rmSync(folder, { recursive: true, force: true })
    try {
      const printed = execFileSync(process.execPath, [program.path], { encoding: 'utf8' })
      expect(printed).toBe('web has 10.214.0.2/24\n')
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
