// What the answers of all connections of a server may take: being read, or
// waiting to be taken by who asked. Beyond it no read begins.

import { answersBytesMax } from './limits.js'

export interface Answering {
  /** Of its reads under way and its answers that have not left. */
  readonly answerBytes: number
  /** There is room again. */
  roomCame(): void
}

export class AnswerBudget {
  readonly #bytesMax: number
  readonly #all = new Set<Answering>()
  readonly #waiting = new Set<Answering>()
  /** What was asked for since it was counted: never less than there is. */
  #estimate = 0

  constructor(bytesMax = answersBytesMax) {
    this.#bytesMax = bytesMax
  }

  add(one: Answering): void {
    this.#all.add(one)
  }

  remove(one: Answering): void {
    this.#all.delete(one)
    this.#waiting.delete(one)
    this.left()
  }

  /** A read of so many bytes begins. */
  begun(bytes: number): void {
    this.#estimate += bytes
  }

  /** No read may begin. */
  get isSpent(): boolean {
    if (this.#estimate < this.#bytesMax) return false
    this.#estimate = 0
    for (const { answerBytes } of this.#all) this.#estimate += answerBytes
    return this.#estimate >= this.#bytesMax
  }

  /** To be told of room, once. */
  await(one: Answering): void {
    this.#waiting.add(one)
  }

  /** Some bytes have left, perhaps. */
  left(): void {
    if (this.#waiting.size === 0 || this.isSpent) return
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const one of waiting) one.roomCame()
  }
}
