import { describe, expect, it } from '@jest/globals'
import { commandName } from './command-name.js'

describe('commandName()', () => {
  it.each([
    [['run', '--rm', 'image', 'ps'], 'run'],
    [['--root', '/x', '--state=/y', 'ps'], 'ps'],
    [['--insecure-registry', 'run', 'pull'], 'pull'],
    [['--version'], '-'],
    [[], '-'],
    [['../x'], '-'],
  ])('%j is %s', (argv, name) => {
    expect(commandName(argv, new Set(['--root', '--state', '--insecure-registry']))).toBe(name)
  })
})
