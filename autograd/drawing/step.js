
(() => {
const states = STATES
const root = [...document.querySelectorAll("#ROOT")].find(element => !element.dataset.ready)
if (!root) return
root.dataset.ready = "yes"
const one = selector => root.querySelector(selector)
const last = states.length - 1

// Made here, since no page without scripts, and no notebook that isn't trusted, should show buttons that do nothing.
one("style").insertAdjacentHTML("afterend", `<div class="controls">
<button type="button" data-go="first">first</button>
<button type="button" data-go="back" aria-label="one step back">◀</button>
<button type="button" data-go="on" aria-label="one step on">▶</button>
<button type="button" data-go="last">last</button>
<input type="range" min="0" max="${last}" value="0" aria-label="step">
<output></output>
</div>
<div class="caption" aria-live="polite"></div>`)

// The picture comes as an <img>, which also shows where scripts and inline SVG are forbidden; here it becomes a part of the page.
const image = one(".picture img")
const bytes = Uint8Array.from(atob(image.src.split(",")[1]), letter => letter.charCodeAt(0))
const parsed = new DOMParser().parseFromString(new TextDecoder().decode(bytes), "image/svg+xml")
const svg = document.importNode(parsed.documentElement, true)
image.replaceWith(svg)
const part = id => id ? svg.querySelector(`[id="${svg.id}-${id}"]`) : null

// A slot is one gradient in a box: its ◀, and the numbers and cells behind it.
const gradient = element => element.getAttribute("fill") === "#b23a00"
function slots(elements) {
  const found = []
  let open = false
  for (const element of elements) {
    const words = element.tagName === "text"
    if (words && gradient(element) && element.textContent.startsWith("◀")) {
      found.push({mark: element, words: element.textContent, parts: []})
      open = true
    } else if (words && !gradient(element) && element.textContent !== "⋯") open = false
    else if (open) found.at(-1).parts.push(element)
  }
  return found
}
const all = box => box.querySelectorAll("text, polygon, path")
const boxes = new Map([...svg.querySelectorAll("g.node")].map(box => [box, slots(all(box))]))
const weights = slots([...all(svg)].filter(element => element.parentNode.matches(".graph"))).filter(slot => slot.words === "◀")
const edges = [...svg.querySelectorAll("g.edge")]
const contribution = edge => [...edge.querySelectorAll("text")].filter(gradient)

function show(slot, words) {  // null: nothing has arrived; "": the finished gradient; else what it is so far
  slot.mark.textContent = words === "" ? slot.words : "◀\u00a0" + (words ?? "–")
  for (const element of slot.parts) {
    element.classList.toggle("waiting", words === null)
    element.classList.toggle("partial", Boolean(words))
  }
}

const slider = one("input"), caption = one(".caption"), words = [...root.querySelectorAll("li")]
let token = null
function go(step) {
  step = Math.max(0, Math.min(last, step))
  for (const found of boxes.values()) for (const slot of found) show(slot, step === last ? "" : null)
  for (const slot of weights) show(slot, step === last ? "" : null)
  for (const edge of edges) {
    edge.classList.remove("done", "active")
    for (const text of contribution(edge)) text.classList.toggle("waiting", step < last)
  }
  for (const box of boxes.keys()) box.classList.remove("receiving")
  token?.remove()
  for (const [edge, box, row, shows] of states.slice(0, step + 1)) {
    const group = part(edge), slot = boxes.get(part(box))?.[row]
    if (slot && step < last) show(slot, shows ?? "")
    if (!group) continue
    group.classList.add("done")
    for (const text of contribution(group)) text.classList.remove("waiting")
  }
  const [edge, box] = states[step]
  const group = part(edge), line = group?.querySelector("path"), receiver = part(box)
  if (receiver) receiver.classList.add("receiving")
  if (line) {
    group.classList.replace("done", "active")
    const middle = line.getTotalLength() / 2
    const [a, b, c] = [middle + 1, middle, middle - 1].map(at => line.getPointAtLength(at))
    const turn = Math.atan2(c.y - a.y, c.x - a.x) * 180 / Math.PI
    token = document.createElementNS(svg.namespaceURI, "polygon")
    token.setAttribute("points", "9,0 -6,-7 -6,7")
    token.setAttribute("transform", `translate(${b.x} ${b.y}) rotate(${turn})`)
    token.setAttribute("class", "token")
    group.append(token)
  }
  const frame = one(".picture"), seen = (receiver || group)?.getBoundingClientRect(), view = frame.getBoundingClientRect()
  if (seen && (seen.left < view.left || seen.right > view.right)) frame.scrollLeft += seen.left - view.left - view.width / 2
  caption.innerHTML = words[step].innerHTML
  slider.value = step
  slider.setAttribute("aria-valuetext", caption.textContent)
  one("output").textContent = `step ${step} of ${last}`
}

const moves = {first: () => 0, back: step => step - 1, on: step => step + 1, last: () => last}
const keys = {Home: "first", ArrowLeft: "back", ArrowUp: "back", ArrowRight: "on", ArrowDown: "on", End: "last"}
const move = name => go(moves[name](Number(slider.value)))
for (const button of root.querySelectorAll("button")) button.onclick = () => move(button.dataset.go)
slider.oninput = () => go(Number(slider.value))
addEventListener("keydown", event => {
  if (!root.contains(event.target) || !(event.key in keys) || event.ctrlKey || event.altKey || event.metaKey) return
  event.preventDefault()  // the slider would take the step a second time
  event.stopPropagation()
  move(keys[event.key])
}, true)  // on the window and first: Notebook 7 listens on the document, to go to another cell
go(0)
})()
