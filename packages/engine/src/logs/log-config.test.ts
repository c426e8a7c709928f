import { describe, expect, it } from '@jest/globals'
import { checkLogConfig, resolveLogConfig } from './log-config.js'

describe('checkLogConfig()', () => {
  it.each([
    ['asdf', {}, "logger: no log driver named 'asdf' is registered"],
    ['constructor', {}, "logger: no log driver named 'constructor' is registered"],
    ['json-file', { nope: '1' }, "unknown log opt 'nope' for json-file log driver"],
    ['local', { nope: '1' }, "unknown log opt 'nope' for log driver local"],
    ['json-file', { 'max-size': 'many' }, "invalid size: 'many'"],
    ['json-file', { 'max-size': '0' }, 'max-size must be a positive number'],
    ['json-file', { 'max-file': '0' }, 'max-file cannot be less than 1'],
    ['json-file', { 'max-file': 'x' }, 'strconv.Atoi: parsing "x": invalid syntax'],
    [
      'json-file',
      { compress: 'true' },
      'compress cannot be true when max-file is less than 2 or max-size is not set',
    ],
    ['json-file', { mode: 'fast' }, 'logger: logging mode not supported: fast'],
    [
      'json-file',
      { 'max-buffer-size': '1m' },
      "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
    ],
    [
      'local',
      { mode: 'non-blocking', 'max-buffer-size': 'x' },
      "error parsing option max-buffer-size: invalid size: 'x'",
    ],
    ['local', { 'labels-regex': '(' }, /^invalid log option labels-regex: /],
    ['local', { tag: '{{.Nope}}' }, /^invalid log option tag: \{\{\.Nope\}\} is not one of /],
  ])('refuses %s with %j', (Type, Config, message) => {
    expect(() => checkLogConfig({ Type, Config })).toThrow(message)
  })

  it.each([
    ['none', { anything: 'x' }],
    ['json-file', { 'max-size': '1.5g', 'max-file': '3', compress: 'true', tag: '{{.Name}}/{{.ID}}' }],
    ['json-file', { mode: 'non-blocking', 'max-buffer-size': '4MiB', 'cache-disabled': 'true' }],
    ['local', { 'max-size': '10MB', env: 'A,B', 'env-regex': '^LC_' }],
  ])('takes %s with %j', (Type, Config) => {
    expect(() => checkLogConfig({ Type, Config })).not.toThrow()
  })
})

describe('resolveLogConfig()', () => {
  const defaults = { Type: 'local', Config: { 'max-size': '1m', 'cache-max-size': '2m' } }

  it("takes the daemon's options for its own driver, and those of the cache for all", () => {
    expect(resolveLogConfig(undefined, defaults)).toEqual(defaults)
    expect(resolveLogConfig({ Type: '', Config: { 'max-size': '3m' } }, defaults)).toEqual({
      Type: 'local',
      Config: { 'max-size': '3m', 'cache-max-size': '2m' },
    })
    expect(resolveLogConfig({ Type: 'json-file' }, defaults)).toEqual({
      Type: 'json-file',
      Config: { 'cache-max-size': '2m' },
    })
  })
})
