/**
 * The guided tour, step by step: a literal table, read from top to bottom.
 *
 * Each step says what is spoken of (`phone`, or `element` as a selector; `look` is the button to press on it, or
 * "composer" for the text box), what the tour does if it is asked to (`acts`, in order), and what must have
 * happened before it goes on (`until`; without one, reading is enough). A step with `panel` opens "what the bot did".
 *
 *   acts:  { phone, tap, or }     press a button of the phone's last card; if there is none such, write `or` first
 *          { phone, say }         write and send
 *          { press }              kill or start the bot
 *          { phone, follow, on }  follow the link in the phone's last message, on somebody else's phone
 *   until: { phone, says, saysNot, waits }  the phone's last card; whether something of it still waits for the bot
 *          { bot }                          "stopped" or "running"
 *
 * Words in `tap` and `says` are the bot's, in the language of that phone. [title, what it means, what to do]
 */

/** The people of `enlace demo`. Where one of them is missing there is no tour. */
export const PHONES = { ana: 501, luis: 502, carmen: 505, pedro: 506, grace: 507, marta: 508 };

export const STEPS = [
  {
    name: "phones",
    element: "#phones",
    es: ["Un plan, un bot, los teléfonos de su gente",
      "Una comisión da seguimiento a su plan nacional desde Telegram, sin aplicación que instalar ni clave que recordar. Estos son los teléfonos de quienes la forman: punto focal, suplente, coordinación, administración y observación. Telegram es imitado; el bot es el de verdad.",
      "Eche un vistazo a los teléfonos y pulse Siguiente."],
    en: ["One plan, one bot, its people's phones",
      "A commission follows up its national plan from Telegram: no app to install, no password to remember. These are its people's phones: focal point, alternate, coordinator, admin and observer. Telegram is emulated; the bot is the real one.",
      "Have a look at the phones and press Next."],
  },
  {
    name: "due",
    phone: "ana",
    look: /PRE-101/,
    acts: [{ phone: "ana", tap: /PRE-101/, or: "/menu" }],
    until: { phone: "ana", says: /PRE-101[^]*¿Cómo va la actividad\?/ },
    es: ["Ana, punto focal: lo que vence ya está en su pantalla",
      "Ana reporta por el Ministerio de la Mujer. No busca nada: el bot le muestra lo que le queda este mes y cuándo cierra.",
      "En el teléfono de Ana, toque «PRE-101»."],
    en: ["Ana, focal point: what is due is already on her screen",
      "Ana reports for the Ministry of Women. She looks nothing up: the bot shows what she has left this month and when it closes.",
      "On Ana's phone, tap “PRE-101”."],
  },
  {
    name: "report",
    phone: "ana",
    look: /^Igual que el reporte anterior/,
    acts: [
      { phone: "ana", tap: /^Igual que el reporte anterior/ },
      { phone: "ana", after: /próximo paso\?/, say: "Grabar tres cuñas con la radio estatal antes del 20" },
    ],
    until: { phone: "ana", says: /Revise antes de enviar/ },
    es: ["Si nada cambió, un toque; y una frase",
      "El bot recuerda el reporte anterior y solo pide lo que hace falta: el próximo paso, en una frase. La tarjeta cambia en su sitio; el chat no se llena.",
      "Toque «Igual que el reporte anterior» y escriba el próximo paso."],
    en: ["If nothing changed, one tap; and one sentence",
      "The bot remembers the last report and asks only for what it needs: the next step, in a sentence. The card changes in place; the chat does not fill up.",
      "Tap “Igual que el reporte anterior” (same as last report) and write the next step."],
  },
  {
    name: "receipt",
    phone: "ana",
    look: /Enviar ahora/,
    acts: [{ phone: "ana", tap: /Enviar ahora/ }],
    until: { phone: "ana", says: /Recibo n\.º/ },
    es: ["Se revisa, se envía, queda un recibo",
      "Tres toques y una frase en total. Lo enviado queda guardado con número de recibo antes de que el bot lo diga, y se puede corregir.",
      "Lea el resumen y toque «Enviar ahora»."],
    en: ["Checked, sent, and a receipt stays",
      "Three taps and one sentence in all. What was sent is stored under a receipt number before the bot says so, and can be corrected.",
      "Read the summary and tap “Enviar ahora” (send now)."],
  },
  {
    name: "alternate",
    phone: "luis",
    look: /ASI-201/,
    acts: [
      { phone: "ana", tap: /ASI-201/, or: "/menu" },
      { phone: "ana", tap: /^🔵 En curso/ },
      { phone: "luis", after: { phone: "ana", says: /porcentaje lleva/ }, tap: /ASI-201/, or: "/menu" },
    ],
    until: { phone: "luis", says: /Ana Martínez ya empezó este reporte/ },
    es: ["Luis, suplente: ve quién lo tiene entre manos",
      "Luis reporta por la misma institución cuando Ana no está. Si ella ya empezó un reporte, él lo sabe, y puede tomarlo sin perder lo que ella puso.",
      "En el teléfono de Ana, empiece «ASI-201» y toque «En curso»; luego toque «ASI-201» en el de Luis."],
    en: ["Luis, alternate: sees who has it in hand",
      "Luis reports for the same agency when Ana is away. If she has begun a report, he is told, and can take it over without losing what she put in.",
      "On Ana's phone begin “ASI-201” and tap “En curso” (in progress); then tap “ASI-201” on Luis's."],
  },
  {
    name: "kill",
    phone: "ana",
    element: "#supervisor",
    look: "composer",
    acts: [{ press: "kill" }, { phone: "ana", say: "75" }],
    until: { bot: "stopped", phone: "ana", waits: true },
    es: ["Mate al bot a mitad del formulario",
      "Los servidores se caen. El mensaje de Ana queda con una sola ✓: lo tiene Telegram, el bot todavía no.",
      "Pulse «Matar bot», arriba; después escriba 75 en el teléfono de Ana."],
    en: ["Kill the bot in mid-form",
      "Servers fall over. Ana's message keeps a single ✓: Telegram has it, the bot does not yet.",
      "Press “Kill bot” above; then write 75 on Ana's phone."],
  },
  {
    name: "start",
    phone: "ana",
    element: "#supervisor",
    panel: true,
    acts: [{ press: "start" }],
    until: { bot: "running", phone: "ana", saysNot: /porcentaje lleva/, waits: false },
    es: ["Arránquelo: sigue en la misma pregunta",
      "Nada se perdió ni se repitió: el bot recoge lo que esperaba, guarda cada respuesta una sola vez y pasa a la pregunta siguiente. El panel «Qué hizo el bot» lo muestra.",
      "Pulse «Arrancar bot» y mire el chat de Ana."],
    en: ["Start it: it goes on at the same question",
      "Nothing was lost and nothing doubled: the bot fetches what waited, keeps each answer once, and asks the next question. The panel “What the bot did” shows it.",
      "Press “Start bot” and watch Ana's chat."],
  },
  {
    name: "coordinator",
    phone: "carmen",
    look: /Resumen del plan/,
    acts: [{ phone: "carmen", tap: /Resumen del plan/, or: "/menu" }],
    until: { phone: "carmen", says: /Semana al/ },
    es: ["Carmen, coordinación: la semana, lo peor primero",
      "Carmen coordina el plan entero. Los lunes le llega esto, y cuando lo pide: quién falta, qué cambió, qué vence, con un semáforo por institución. Un toque abre una institución, otro una actividad, otro su evidencia; el reporte de Ana ya cuenta.",
      "En el teléfono de Carmen, toque «Resumen del plan»."],
    en: ["Carmen, coordinator: the week, worst first",
      "Carmen coordinates the whole plan. This comes on Mondays, and whenever she asks: who is missing, what changed, what falls due, with lights by agency. One tap opens an agency, one an activity, one its evidence; Ana's report already counts.",
      "On Carmen's phone, tap “Resumen del plan” (summary of the plan)."],
  },
  {
    name: "admin",
    phone: "pedro",
    look: /Invitar a una persona|^Coordinación$/,
    acts: [
      { phone: "pedro", tap: /Invitar a una persona/, or: "/menu" },
      { phone: "pedro", tap: /^Coordinación$/ },
      { phone: "pedro", follow: /start=/, on: "marta" },
    ],
    until: { phone: "marta", says: /./ },
    es: ["Pedro, administración: invita con un enlace",
      "Pedro da acceso: elige una función y sale un enlace que sirve una sola vez. Marta lo abre y el bot la recibe: pregunta en qué idioma hablar y explica qué guarda.",
      "En el teléfono de Pedro: «Invitar a una persona», «Coordinación»; toque el enlace y elija el teléfono de Marta."],
    en: ["Pedro, admin: invites with a link",
      "Pedro gives access: he picks a role and gets a link that works once. Marta opens it and the bot receives her: it asks which language to speak and says what it keeps.",
      "On Pedro's phone: “Invitar a una persona” (invite), “Coordinación”; tap the link and choose Marta's phone."],
  },
  {
    name: "observer",
    phone: "grace",
    look: /Summary of the plan/,
    acts: [{ phone: "grace", tap: /Summary of the plan/, or: "/menu" }],
    until: { phone: "grace", says: /Observer view/ },
    es: ["Grace, observación: mira, no toca",
      "Grace acompaña el plan desde una organización aliada y usa el bot en inglés. Ve avances validados y totales, nunca cifras pequeñas ni respuestas; no puede reportar.",
      "En el teléfono de Grace, toque «Summary of the plan»."],
    en: ["Grace, observer: looks on, touches nothing",
      "Grace follows the plan for a partner organisation and uses the bot in English. She sees validated progress and totals, never small figures nor answers; she cannot report.",
      "On Grace's phone, tap “Summary of the plan”."],
  },
];
