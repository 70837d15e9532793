#include "ctl/setup_texts.hpp"

#include <array>
#include <cstddef>

namespace gims::ctl {
namespace {

struct Said {
  SetupText text;
  std::string_view english;
  std::string_view hindi;
};

constexpr std::array catalogue{
    Said{SetupText::hello,
         "This makes the site of this unit. Nothing is written before the last question. Enter "
         "takes "
         "what stands in [ ], \"back\" goes a question back, \"leave\" ends.",
         "यह इस यूनिट की साइट बनाता है। अंतिम प्रश्न से पहले कुछ नहीं लिखा जाता। Enter से [ ] का मान लिया "
         "जाता है, "
         "\"back\" एक प्रश्न पीछे जाता है, \"leave\" समाप्त करता है।"},
    Said{SetupText::clock, "Is this time right? Enter, or the time as 2026-11-28T15:45:00+05:30",
         "क्या यह समय सही है? Enter, या समय इस रूप में: 2026-11-28T15:45:00+05:30"},
    Said{SetupText::clock_again, "If the time is right all the same, type it once more.",
         "यदि समय फिर भी सही है, तो उसे एक बार और लिखें।"},
    Said{SetupText::site, "The site's name; it can never be changed",
         "साइट का नाम; यह कभी बदला नहीं जा सकता"},
    Said{SetupText::dns_wrong, "It is a DNS name in lower case such as gims.internal.",
         "यह छोटे अक्षरों में DNS नाम है, जैसे gims.internal."},
    Said{SetupText::organisation, "Whose site it is (organisation)", "साइट किस संगठन की है"},
    Said{SetupText::organisation_wrong, "It has 1 to 64 bytes.", "इसमें 1 से 64 बाइट हों।"},
    Said{SetupText::dns, "The DNS name that devices open", "वह DNS नाम जिसे उपकरण खोलते हैं"},
    Said{SetupText::ports, "The network ports of this unit, by their hardware addresses:",
         "इस यूनिट के नेटवर्क पोर्ट, उनके हार्डवेयर पतों के साथ:"},
    Said{SetupText::port, "Its network: management, officers, uplink, or none",
         "इसका नेटवर्क: management, officers, uplink, या none"},
    Said{SetupText::port_wrong, "It is one of: management, officers, uplink, none.",
         "इनमें से एक लिखें: management, officers, uplink, none."},
    Said{SetupText::management_address, "The unit's address in the administrators' network",
         "प्रशासकों के नेटवर्क में यूनिट का पता"},
    Said{SetupText::officers_address, "The unit's address in the officers' network",
         "अधिकारियों के नेटवर्क में यूनिट का पता"},
    Said{
        SetupText::address_wrong,
        "It is an IPv4 address with the length of its network, 16 to 28: 10.73.2.1/23; and the two "
        "networks are not the same.",
        "यह नेटवर्क की लंबाई (16 से 28) के साथ IPv4 पता है: 10.73.2.1/23; और दोनों नेटवर्क अलग हों।"},
    Said{SetupText::wifi, "The name of the Wi-Fi", "वाई-फ़ाई का नाम"},
    Said{SetupText::wifi_wrong, "It has 1 to 24 letters, digits or . _ - ",
         "इसमें 1 से 24 अक्षर, अंक या . _ - हों।"},
    Said{SetupText::administrators,
         "Administrators: each with a public key in a file, as Asha=/media/stick/asha.pub. Enter "
         "alone ends the list.",
         "प्रशासक: हर एक की सार्वजनिक कुंजी एक फ़ाइल में, जैसे Asha=/media/stick/asha.pub। केवल Enter सूची "
         "समाप्त करता है।"},
    Said{SetupText::security_officers, "Security officers, likewise.", "सुरक्षा अधिकारी, उसी प्रकार।"},
    Said{SetupText::person, "NAME=FILE", "NAME=FILE"},
    Said{SetupText::person_wrong,
         "It is a name, = and a file that can be read, on the stick; each name once.",
         "यह एक नाम, = और स्टिक पर पढ़ी जा सकने वाली फ़ाइल है; हर नाम एक बार।"},
    Said{SetupText::person_needed, "At least one is needed.", "कम से कम एक आवश्यक है।"},
    Said{SetupText::shares, "Recovery shares: how many are needed, of how many",
         "पुनर्प्राप्ति के हिस्से: कितने आवश्यक हैं, कुल कितनों में से"},
    Said{SetupText::shares_wrong, "It is two numbers, 2 to 16, the first not the larger: 3/5.",
         "ये दो संख्याएँ हैं, 2 से 16, पहली बड़ी न हो: 3/5."},
    Said{
        SetupText::shares_to,
        "Where the shares go: paper (each is shown alone, and typed again), or a file on the stick",
        "हिस्से कहाँ जाएँ: paper (हर एक अलग दिखाया और फिर लिखवाया जाता है), या स्टिक पर एक फ़ाइल"},
    Said{SetupText::shares_to_wrong, "It is paper, or a new file below /media/stick/.",
         "यह paper है, या /media/stick/ के नीचे एक नई फ़ाइल।"},
    Said{SetupText::summary, "This will be made:", "यह बनाया जाएगा:"},
    Said{SetupText::confirm, "Type yes to make it", "बनाने के लिए yes लिखें"},
    Said{SetupText::not_done, "Left: nothing was written. setup begins again.",
         "छोड़ा गया: कुछ नहीं लिखा गया। setup फिर से आरंभ करता है।"},
    Said{SetupText::line_wrong,
         "A line has at most 255 bytes of UTF-8, without control characters.",
         "एक पंक्ति में अधिकतम 255 बाइट UTF-8 हों, नियंत्रण वर्णों के बिना।"},
    Said{SetupText::writing, "Writing the networks and the site's names...",
         "नेटवर्क और साइट के नाम लिखे जा रहे हैं..."},
    Said{SetupText::keys, "Making the site's keys...", "साइट की कुंजियाँ बनाई जा रही हैं..."},
    Said{SetupText::waiting, "Waiting until the unit serves...",
         "यूनिट के सेवा आरंभ करने की प्रतीक्षा..."},
    Said{SetupText::failed,
         "It did not succeed, for the reason above. The unit has no keys; setup begins again.",
         "ऊपर बताए कारण से यह सफल नहीं हुआ। यूनिट के पास कुंजियाँ नहीं हैं; setup फिर से आरंभ करता है।"},
    Said{SetupText::not_yet,
         "The keys are made, and the unit does not serve yet. Look at: gims-keyd status, unit "
         "diagnostics.",
         "कुंजियाँ बन गई हैं, पर यूनिट अभी सेवा नहीं दे रही। देखें: gims-keyd status, unit diagnostics."},
    Said{
        SetupText::done,
        "The unit serves. Devices open the address below; compare the site root's fingerprint "
        "above. "
        "The first officer: user add NAME --generate. For the web console each administrator named "
        "above: admin invite NAME",
        "यूनिट सेवा दे रही है। उपकरण नीचे का पता खोलें; ऊपर साइट रूट का फ़िंगरप्रिंट मिलाएँ। पहला अधिकारी: "
        "user add NAME --generate. वेब कंसोल के लिए ऊपर नामित प्रत्येक प्रशासक: admin invite NAME"},
};

constexpr bool in_order() {
  for (std::size_t at = 0; at < catalogue.size(); ++at) {
    if (static_cast<std::size_t>(catalogue[at].text) != at) return false;
  }
  return catalogue.size() == static_cast<std::size_t>(SetupText::count);
}
static_assert(in_order(), "each text stands once, in the order of SetupText");

}  // namespace

std::string_view text_of(Language language, SetupText text) noexcept {
  const Said& said = catalogue[static_cast<std::size_t>(text)];
  return language == Language::hindi ? said.hindi : said.english;
}

}  // namespace gims::ctl
