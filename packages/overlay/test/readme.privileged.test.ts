import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { expect, it } from '@jest/globals'
import { bundle, describeOn, leakCheck, temporaryFolder } from '@ctr/testing'

leakCheck()

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const examples = [...readme.matchAll(/```ts\n(import .*?)```/gs)].map(([, example]) => example!)

/** Runs an example in a folder of its own. */
function printed(example: string, folder: string): string {
  using program = bundle(example.replace('/var/tmp/', `${folder}/`))
  return execFileSync(process.execPath, [program.path], { encoding: 'utf8' })
}

describeOn(['root', 'overlay'], 'README', () => {
  it('has a first example that runs as it stands', () => {
    using folder = temporaryFolder()
    const lines = printed(examples[0]!, folder.path).trimEnd().split('\n')
    expect(lines[0]).toBe("[ 'motd', 'new' ]")
    expect(lines.slice(1).join(' ')).toContain("{ kind: 'A', path: '/etc/new' }")
    expect(lines.at(-1)).toBe('[]')
  })

  it('has an example of the host as lower layer that runs as it stands', () => {
    using folder = temporaryFolder()
    const users = readFileSync('/etc/passwd')
    expect(printed(examples[1]!, folder.path)).toBe('C /etc\nD /etc/group\nC /etc/passwd\nA /made\n')
    expect(readFileSync('/etc/passwd')).toEqual(users)
    expect(existsSync('/made')).toBe(false)
    expect(examples).toHaveLength(2)
  })
})
