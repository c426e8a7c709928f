import { describe, expect, it } from '@jest/globals'
import { OutputTail } from './output-tail.js'

describe('OutputTail', () => {
  it('keeps the end, however it comes', () => {
    const tail = new OutputTail()
    tail.push(Buffer.from('first\n'))
    tail.push(Buffer.from('  second  \n'))
    expect(tail.text()).toBe('first\n  second')
    for (let n = 0; n < 1000; n++) tail.push(Buffer.from(`line ${n}\n`))
    expect(tail.text()).toMatch(/^\.\.\. [^]*line 999$/)
    expect(tail.text().length).toBeLessThan(4200)
    tail.push(Buffer.concat([Buffer.alloc(10 ** 6, 'x'), Buffer.from('end')]))
    expect(tail.text()).toMatch(/^\.\.\. x+end$/)
    expect(tail.text().length).toBe(4096 + 4)
  })

  it('is empty without output', () => {
    expect(new OutputTail().text()).toBe('')
  })

  it('steers no terminal', () => {
    const tail = new OutputTail()
    tail.push(Buffer.from('a\u001b[2J\u009bb\rc\td'))
    expect(tail.text()).toBe('a\ufffd[2J\ufffdb\ufffdc\td')
  })
})
