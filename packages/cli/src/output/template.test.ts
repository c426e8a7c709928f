import { describe, expect, it } from '@jest/globals'
import { parseTemplate } from './template.js'

const value = {
  Name: '/web',
  State: { Running: true, Pid: 7, Health: null },
  Args: ['-c', 'true'],
  Ports: { '80/tcp': [{ HostPort: '8080' }], '81/tcp': null },
  Empty: [],
}

describe('parseTemplate()', () => {
  it.each([
    ['{{.Name}} {{.State.Pid}}', '/web 7'],
    [
      '{{json .Args}}|{{.Args}}|{{.State}}',
      '["-c","true"]|[-c true]|map[Health:<no value> Pid:7 Running:true]',
    ],
    ['{{range .Args}}<{{.}}>{{end}}', '<-c><true>'],
    ['{{range .Empty}}x{{else}}none{{end}}', 'none'],
    ['{{if .State.Running}}up{{else}}down{{end}}\\t{{with .Nothing}}x{{end}}.', 'up\t.'],
    ['{{range .Ports}}{{range .}}{{.HostPort}} of {{$.Name}}{{end}}{{end}}', '8080 of /web'],
    ['{{(index .Ports "80/tcp")}}', undefined],
    ['{{index .Ports "80/tcp" 0 "HostPort"}}', '8080'],
    ['{{join .Args ","}} {{.Name | upper | json}} {{len .Args}}', '-c,true "/WEB" 2'],
    ['a {{- if eq .State.Pid 7 }} b {{- end -}} c', 'a bc'],
    ['{{.constructor}}{{.Name.length}}', '<no value><no value>'],
    ['{{nosuch .}}', undefined],
    ['{{if .Name}}', undefined],
    ['{{end}}', undefined],
    ['{{.Name', undefined],
  ])('%s', (template, expected) => {
    const fill = (): string => parseTemplate(template)(value)
    if (expected === undefined) expect(fill).toThrow('invalid --format')
    else expect(fill()).toBe(expected)
  })
})
