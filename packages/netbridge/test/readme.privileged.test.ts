import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'
import { run, testNetwork } from './support/network.js'

leakCheck()

describeOn(['root'], 'README', () => {
  it('has a first example that runs as it stands', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const [, example] = /```ts\n(.*?)```/s.exec(readme) ?? []
    using program = bundle(example!)
    const printed = execFileSync(process.execPath, [program.path], { encoding: 'utf8' })
    expect(printed).toMatch(/^eth0 has 1[0-9.]+\/\d+, and port 18080 of this host leads to its port 80\n$/)
  })
})

describeOn(['root'], 'README on networks', () => {
  it('has an example that runs, but for its folders', () => {
    const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
    const example = [...readme.matchAll(/```ts\n(.*?)```/gs)].map(([, code]) => code!)[1]!
    using folder = temporaryFolder()
    const ours = example
      .replace('/var/lib/netbridge-demo', `${folder.path}/lib`)
      .replace('/run/netbridge-demo', `${folder.path}/run`)
    using program = bundle(ours)
    const printed = execFileSync(process.execPath, [program.path], { encoding: 'utf8' })
    expect(printed).toBe('eth1 has 10.99.7.9\n')
  })
})

describeOn(['root', 'bin:nft'], 'the table of an instance', () => {
  it('is, as nft prints it, the one that is documented', async () => {
    await using network = await testNetwork()
    const lines = (text: string): string[] =>
      text
        .split(/[\n;{}]/)
        .map((line) => line.trim())
        .filter(
          (line) => line !== '' && !line.startsWith('elements') && !line.startsWith('"') && !/^\d/.test(line),
        )
    const printed = run(undefined, 'nft', 'list', 'table', 'inet', network.instance)
    const documented = readFileSync(new URL('fixtures/ruleset.nft', import.meta.url), 'utf8')
    expect(lines(printed)).toEqual(lines(documented.replaceAll('ctrt', network.instance)))
  })
})
