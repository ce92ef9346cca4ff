import t from 'tap'
import { AnswerBudget } from '../../src/dataplane/answer-budget.js'

class Connection {
  answerBytes = 0
  told = 0
  roomCame(): void {
    this.told++
  }
}

t.test('when the answers of all take too much no read begins, until some have left', async t => {
  const budget = new AnswerBudget(100)
  const [one, other] = [new Connection(), new Connection()]
  budget.add(one)
  budget.add(other)
  for (const connection of [one, other]) {
    t.notOk(budget.isSpent)
    budget.begun(50)
    connection.answerBytes += 50
  }
  t.ok(budget.isSpent)
  budget.await(other)
  budget.left()
  t.equal(other.told, 0, 'nothing has left')
  one.answerBytes = 49
  budget.left()
  budget.left()
  t.equal(other.told, 1, 'once')
  t.notOk(budget.isSpent)
})

t.test('what a connection had is free when it is gone', async t => {
  const budget = new AnswerBudget(100)
  const [one, other] = [new Connection(), new Connection()]
  budget.add(one)
  budget.add(other)
  budget.begun(100)
  one.answerBytes = 100
  t.ok(budget.isSpent)
  budget.await(other)
  budget.remove(one)
  t.equal(other.told, 1)
})
